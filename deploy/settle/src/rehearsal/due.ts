import {
  type AccountClient,
  type LedgerClient,
  newId,
  SettlementClient,
  Wallet,
} from '#libs/client';
import { assetFromWire } from '#libs/contracts';
import { type Address, addressFromBytes, baseUnits, type Units } from '#libs/domain';
import { ChainWallet } from '#libs/tron';
import { faucetKey } from '../../../../contracts/src/provision.js';
import type { Step } from '../../../demo/src/display.js';
import { inParallel } from '../../../demo/src/patience.js';

/** A withdrawal that was booked. */
export type Due = {
  /** Hex. */
  readonly withdrawalId: string;
  readonly destination: Address;
  readonly amountUnits: Units;
  /** Without the fee: what must arrive. */
  readonly netUnits: Units;
};

/** Accounts that withdraw in turn. */
const ACCOUNTS = 64;
const CALLS_AT_ONCE = 32;
const TREASURY_SUN = 1_000_000_000n;
const CREDITED_WITHIN_MS = 60_000;
const NODE_TIMEOUT_MS = 10_000;

/** Accounts of the ledger with enough for their share of the withdrawals, by one real deposit of TRC-20. */
export async function fundAccounts(
  ledger: LedgerClient,
  stack: { readonly settlementGrpc: string; readonly tronNodeUrl: string },
  unitsInAll: Units,
): Promise<AccountClient[]> {
  const wallets = Array.from({ length: ACCOUNTS }, () => Wallet.generate(ledger.network.domain));
  const treasury = Wallet.generate(ledger.network.domain);
  const each = unitsInAll / BigInt(ACCOUNTS) + 1n;
  const all = each * BigInt(ACCOUNTS);
  await ledger.account(treasury).register();
  await deposit(treasury, stack, all, ledger.network.trc20Address);
  await ledger.account(treasury).waitFor((b) => b.availableUnits >= all, CREDITED_WITHIN_MS);
  const accounts = wallets.map((wallet) => ledger.account(wallet));
  await inParallel(accounts, CALLS_AT_ONCE, async (account) => {
    await account.register();
    const order = { payee: account.wallet.address, amountUnits: each };
    await ledger.account(treasury).transfer(order);
  });
  return accounts;
}

async function deposit(
  treasury: Wallet,
  stack: { readonly settlementGrpc: string; readonly tronNodeUrl: string },
  units: Units,
  token: Address,
): Promise<void> {
  const node = { url: stack.tronNodeUrl, timeoutMs: NODE_TIMEOUT_MS };
  const faucet = new ChainWallet(node, faucetKey());
  const amount = baseUnits('TRC20_BTT', units);
  await faucet.sendTrx(treasury.address, TREASURY_SUN);
  await faucet.sendTrc20(token, treasury.address, amount);
  const settlement = new SettlementClient(stack.settlementGrpc);
  try {
    const targets = await settlement.depositTargets();
    const target = targets.find(({ asset }) => assetFromWire(asset) === 'TRC20_BTT');
    if (target === undefined) throw new Error('settlement takes no TRC-20 deposits');
    await new ChainWallet(node, treasury.exportKey()).sendTrc20(token, target.address, amount);
  } finally {
    settlement.close();
  }
}

/** Books withdrawals to addresses that nobody was ever paid at, each of another amount. */
export async function bookWithdrawals(
  accounts: readonly AccountClient[],
  range: { readonly from: number; readonly count: number },
  feeUnits: Units,
  step: Step,
): Promise<Due[]> {
  const numbers = Array.from({ length: range.count }, (_, at) => range.from + at);
  const due: Due[] = [];
  let done = 0;
  await inParallel(numbers, CALLS_AT_ONCE, async (number) => {
    const account = accounts[number % accounts.length] as AccountClient;
    const amountUnits = amountOf(number, feeUnits);
    const withdrawalId = newId();
    const destination = payeeOf(number);
    await account.withdraw({ asset: 'TRC20_BTT', amountUnits, destination, withdrawalId });
    const id = Buffer.from(withdrawalId).toString('hex');
    due.push({ withdrawalId: id, destination, amountUnits, netUnits: amountUnits - feeUnits });
    step.progress(++done, range.count);
  });
  step.note(`${done} withdrawals`);
  return due;
}

/** What payout `number` takes from its account. */
export function amountOf(number: number, feeUnits: Units): Units {
  return 2_000n + feeUnits + BigInt(number % 997);
}

/** An address that nothing was sent to before. */
export function payeeOf(number: number): Address {
  const bytes = new Uint8Array(20).fill(0x5e);
  new DataView(bytes.buffer).setUint32(0, number + 1);
  return addressFromBytes(bytes);
}

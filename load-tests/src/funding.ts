import { type LedgerClient, newId, SettlementClient, Wallet } from '#libs/client';
import { assetFromWire } from '#libs/contracts';
import type { Units } from '#libs/domain';
import { ChainWallet } from '#libs/tron';
import { faucetKey } from '../../contracts/src/provision.js';
import type { PayableChannel } from './corpus.js';

/** Where the payers' money comes from. */
export type FundingSource = { readonly settlementGrpc: string; readonly tronNodeUrl: string };

/** How many channels to open, and with what. */
export type ChannelPlan = {
  readonly channels: number;
  readonly payers: number;
  readonly payees: number;
  readonly depositUnits: Units;
};

const NODE_TIMEOUT_MS = 10_000;
const TREASURY_SUN = 1_000_000_000n;
const CREDIT_TIMEOUT_MS = 120_000;
const OPENING_AT_ONCE = 16;

/**
 * Opens channels between new accounts of the ledger. The money comes from the local chain's faucet by one real TRC-10
 * deposit and goes to the payers by transfers on the ledger.
 */
export async function openChannels(
  ledger: LedgerClient,
  source: FundingSource,
  plan: ChannelPlan,
): Promise<PayableChannel[]> {
  const { domain } = ledger.network;
  const treasury = Wallet.generate(domain);
  const payers = Array.from({ length: plan.payers }, () => Wallet.generate(domain));
  const payees = Array.from({ length: plan.payees }, () => Wallet.generate(domain));
  for (const wallet of [treasury, ...payers, ...payees]) await ledger.account(wallet).register();
  const perPayer = plan.depositUnits * BigInt(Math.ceil(plan.channels / plan.payers));
  await deposit(ledger, treasury, source, perPayer * BigInt(plan.payers));
  for (const payer of payers) {
    await ledger.account(treasury).transfer({ payee: payer.address, amountUnits: perPayer });
  }
  const orders = Array.from({ length: plan.channels }, (_, number) => {
    const payer = payers[number % payers.length];
    const payee = payees[Math.floor(number / payers.length) % payees.length];
    if (payer === undefined || payee === undefined) throw new Error('no account to pay from or to');
    return { payer, payee: payee.address };
  });
  return await inParallel(orders, OPENING_AT_ONCE, async ({ payer, payee }) => {
    const order = { payee, depositUnits: plan.depositUnits, salt: newId() };
    const { channelId } = await ledger.account(payer).openChannel(order);
    return {
      channelId,
      payee,
      depositUnits: plan.depositUnits,
      sign: (claim) => payer.sign(payer.digests.voucher(claim)),
    };
  });
}

async function deposit(
  ledger: LedgerClient,
  treasury: Wallet,
  source: FundingSource,
  amountUnits: Units,
): Promise<void> {
  const node = { url: source.tronNodeUrl, timeoutMs: NODE_TIMEOUT_MS };
  const faucet = new ChainWallet(node, faucetKey());
  // The ledger credits whoever sent the tokens, so the treasury sends them itself; TRX pays for its bandwidth.
  await faucet.sendTrx(treasury.address, TREASURY_SUN);
  const { token, address } = await trc10Target(source.settlementGrpc);
  await faucet.sendTrc10(token, treasury.address, amountUnits);
  await new ChainWallet(node, treasury.exportKey()).sendTrc10(token, address, amountUnits);
  await ledger
    .account(treasury)
    .waitFor((balances) => balances.availableUnits >= amountUnits, CREDIT_TIMEOUT_MS);
}

/** Token id and address for deposits of BTTOLD, of which one base unit is one unit of the ledger. */
async function trc10Target(settlementGrpc: string): Promise<{ token: string; address: string }> {
  const settlement = new SettlementClient(settlementGrpc);
  try {
    const targets = await settlement.depositTargets();
    const target = targets.find(({ asset }) => assetFromWire(asset) === 'TRC10_BTTOLD');
    if (target === undefined) throw new Error('settlement takes no TRC-10 deposits');
    return target;
  } finally {
    settlement.close();
  }
}

/** Maps in order, with at most `width` calls at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
}

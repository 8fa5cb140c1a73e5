import { join } from 'node:path';
import { TronWeb } from 'tronweb';
import { TRC10_LOOKALIKE_ID } from '#libs/devchain';
import { toHex } from '#libs/domain';
import { abiAddress, type ChainWallet, callData, type Deployable } from '#libs/tron';
import { compileFile } from '../../../../contracts/src/compiler.js';
import { deployVault, encodeArguments } from '../../../../contracts/src/deploy.js';
import { repositoryRoot } from '../../../../deploy/local/src/root.js';
import { until } from '../cluster.js';
import { ask, BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const UNIT = 10n ** 15n;
const FEE_LIMIT_SUN = 1_000_000_000n;
const SOLID_BLOCKS = 20;

/** What a forger has: an account with real tokens, and contracts of its own. */
type Forger = {
  readonly wallet: ChainWallet;
  readonly tools: FaultTools;
  readonly contracts: ReadonlyMap<string, Deployable>;
  readonly hotWallet: string;
};
type Fake = { readonly name: string; readonly send: (forger: Forger) => Promise<string> };

const transfer = (to: string, amount: bigint) =>
  callData('transfer(address,uint256)', [abiAddress(to), amount]);

function deploy(
  { wallet, contracts }: Forger,
  name: string,
  values: Uint8Array = new Uint8Array(),
) {
  const contract = contracts.get(name);
  if (contract === undefined) throw new Error(`there is no contract ${name}`);
  return wallet.deploy(contract, values);
}

/** Sends a call that fails on the chain, which is what it is for. */
async function failing(wallet: ChainWallet, contract: string, data: Uint8Array): Promise<string> {
  return wallet.submit({ kind: 'trigger', contract, data }, FEE_LIMIT_SUN);
}

/** A contract of the forger's that holds real tokens. */
async function forwarder(forger: Forger): Promise<string> {
  const at = await deploy(forger, 'Forwarder');
  const { trc20Address } = forger.tools.cluster.network;
  await forger.wallet.sendTrc20(trc20Address, at, 5n * UNIT);
  return at;
}

/** None of these may credit anybody anything. */
const FAKES: readonly Fake[] = [
  {
    name: 'a TRC-10 token of the same name with another id',
    send: async ({ tools, wallet, hotWallet }) => {
      await tools.traffic.faucet.sendTrc10(TRC10_LOOKALIKE_ID, wallet.address, 50n);
      return wallet.sendTrc10(TRC10_LOOKALIKE_ID, hotWallet, 50n);
    },
  },
  {
    name: 'a TRC-20 token of the same name and symbol, whose contract logs the transfer',
    send: async (forger) => {
      const token = await deploy(forger, 'LookalikeToken');
      return forger.wallet.sendTrc20(token, forger.tools.cluster.network.vaultAddress, 50n * UNIT);
    },
  },
  {
    name: 'a deposit logged by another vault',
    send: async ({ tools, wallet }) => {
      const { trc20Address } = tools.cluster.network;
      const other = await deployVault(wallet, trc20Address, wallet.address);
      const approve = callData('approve(address,uint256)', [abiAddress(other), 9n * UNIT]);
      await wallet.trigger(trc20Address, approve);
      const data = callData('deposit(address,uint256)', [abiAddress(wallet.address), 9n * UNIT]);
      return wallet.trigger(other, data);
    },
  },
  {
    name: 'a transfer that reverts',
    send: ({ tools, wallet }) => {
      const { trc20Address, vaultAddress } = tools.cluster.network;
      return failing(wallet, trc20Address, transfer(vaultAddress, 10n ** 40n));
    },
  },
  {
    name: 'a transfer that a contract undoes after it was logged',
    send: async (forger) => {
      const { trc20Address, vaultAddress } = forger.tools.cluster.network;
      const at = await forwarder(forger);
      const values = [abiAddress(trc20Address), abiAddress(vaultAddress), 3n * UNIT];
      const data = callData('forwardAndFail(address,address,uint256)', values);
      return failing(forger.wallet, at, data);
    },
  },
  {
    name: 'an inner transfer that is rejected in a call that succeeds',
    send: async (forger) => {
      const { trc20Address, vaultAddress } = forger.tools.cluster.network;
      const supply = encodeArguments('uint256', [1_000n]);
      const outer = await deploy(forger, 'CallbackToken', supply);
      const inner = `0x${toHex(transfer(vaultAddress, 7n * UNIT))}`;
      const arm = callData('arm(address,bytes)', [abiAddress(trc20Address), inner]);
      await forger.wallet.trigger(outer, arm);
      return forger.wallet.trigger(outer, transfer(forger.wallet.address, 1n));
    },
  },
  {
    name: 'TRX instead of tokens',
    send: ({ wallet, hotWallet }) => wallet.sendTrx(hotWallet, 1_000_000n),
  },
  {
    name: 'a transfer of nothing',
    send: ({ tools, wallet }) => {
      const { trc20Address, vaultAddress } = tools.cluster.network;
      return wallet.sendTrc20(trc20Address, vaultAddress, 0n);
    },
  },
  {
    name: 'less than a unit',
    send: ({ tools, wallet }) => {
      const { trc20Address, vaultAddress } = tools.cluster.network;
      tools.strays.TRC20_BTT += UNIT - 1n;
      return wallet.sendTrc20(trc20Address, vaultAddress, UNIT - 1n);
    },
  },
  {
    name: 'the right token at the wrong address of the ledger',
    send: ({ tools, wallet, hotWallet }) =>
      wallet.sendTrc20(tools.cluster.network.trc20Address, hotWallet, 5n * UNIT),
  },
  {
    name: 'the right token sent to somebody else',
    send: ({ tools, wallet }) =>
      wallet.sendTrc10(tools.cluster.network.trc10Id, tools.traffic.faucet.address, 5n),
  },
];

/** A transfer that is real, with a memo that names an account of somebody else: it is its sender's. */
async function withForeignMemo({ wallet, tools, hotWallet }: Forger, key: string): Promise<void> {
  const tronWeb = new TronWeb({ fullHost: tools.truth.url, privateKey: key });
  const { trc10Id } = tools.cluster.network;
  const draft = await tronWeb.transactionBuilder.sendToken(hotWallet, 6, trc10Id, wallet.address);
  const named = await tronWeb.transactionBuilder.addUpdateData(
    draft,
    tools.traffic.faucet.address,
    'utf8',
  );
  const answer = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(named));
  if (answer.result !== true) throw new Error(`the memo was refused: ${answer.code}`);
  await wallet.waitFor(named.txID);
}

async function forge(tools: FaultTools): Promise<Bite> {
  const { traffic, cluster, truth } = tools;
  const key = traffic.derive('forger', traffic.asked.length).toString('hex');
  const wallet = traffic.wallet(key);
  const file = join(repositoryRoot, 'contracts', 'test', 'HostileTokens.sol');
  const hotWallet = traffic.wallet(cluster.secret('hotWalletKey')).address;
  const forger: Forger = { wallet, tools, contracts: compileFile(file), hotWallet };
  await traffic.faucet.sendTrx(wallet.address, 20_000_000_000n);
  await traffic.faucet.sendTrc20(cluster.network.trc20Address, wallet.address, 1_000n * UNIT);
  await traffic.faucet.sendTrc10(cluster.network.trc10Id, wallet.address, 100n);
  await ask(tools);
  const sent = new Map<string, string>();
  for (const { name, send } of FAKES) sent.set(await send(forger), name);
  await withForeignMemo(forger, key);
  await truth.mine(SOLID_BLOCKS);
  // All have to be in blocks that settlement has read, or they prove nothing.
  const { headNumber } = await truth.status();
  await until(BITE_MS, async () => {
    const [row] = await cluster.sql<{ next: bigint }[]>`
      select next_block as next from settlement.cursor`;
    return (row?.next ?? 0n) > BigInt(headNumber - SOLID_BLOCKS);
  });
  const credited = await cluster.sql<{ txid: string }[]>`
    select encode(txid, 'hex') as txid from ledger.deposits`;
  const wrong = credited.map(({ txid }) => sent.get(txid)).filter((name) => name !== undefined);
  return wrong.length === 0 ? BITTEN : missed(`credited: ${wrong.join(', ')}`);
}

/** Deposits that are none. */
export const DEPOSIT_FAULTS: readonly Fault[] = [
  {
    plan: 'T24',
    processes: 1,
    name: 'deposits.fake',
    meaning: `${FAKES.length} kinds of transfers that must not be credited (${FAKES.map(({ name }) => name).join('; ')}), and one with a memo that names somebody else`,
    act: forge,
  },
];

/** How many kinds of fake deposits a round sends. */
export const FAKE_KINDS = FAKES.length;

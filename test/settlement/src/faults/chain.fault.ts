import { chainHex } from '../check/chain-record.js';
import { until } from '../cluster.js';
import type { RawBlock, RawTransaction } from '../truth.js';
import { BITTEN, type Bite, between, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
/** Past the expiration of an attempt and three seconds more, in blocks of the rig's chain. */
const PAST_EXPIRY_BLOCKS = 220;
const FORK_MAX = 18;
const SLOT_MS = 100;
const BLOCKS_AT_ONCE = 100;

const isOf =
  (ownerHex: string) =>
  ({ raw_data }: RawTransaction): boolean =>
    raw_data.contract[0]?.parameter.value.owner_address === ownerHex;

/** Undoes the newest blocks, as soon as one of them holds what is looked for. */
async function forkAway(
  { truth, random }: FaultTools,
  wanted: (transaction: RawTransaction) => boolean,
  transactions: 'return' | 'drop',
): Promise<Bite> {
  let undone: readonly string[] = [];
  const found = await until(BITE_MS, async () => {
    const { headNumber, solidNumber } = await truth.status();
    const blocks = await truth.openBlocks(Math.max(solidNumber + 1, 1), headNumber);
    const hit = blocks.find((block) => block.transactions?.some(wanted));
    if (hit === undefined) return false;
    const depth = headNumber - (hit.block_header.raw_data.number ?? 0) + 1;
    const most = Math.min(FORK_MAX, headNumber - solidNumber - 2);
    if (depth > most) return false;
    undone = await truth.fork(between(depth, most, random), transactions).catch(() => []);
    return undone.length > 0;
  });
  return found ? BITTEN : missed('no transaction was undone');
}

async function forkPayout(tools: FaultTools, transactions: 'return' | 'drop'): Promise<Bite> {
  const { traffic, cluster } = tools;
  await traffic.withdrawals();
  const hotWallet = chainHex(traffic.wallet(cluster.secret('hotWalletKey')).address);
  return forkAway(tools, isOf(hotWallet), transactions);
}

async function forkDeposit(tools: FaultTools, transactions: 'return' | 'drop'): Promise<Bite> {
  await tools.traffic.deposits();
  const bite = await forkAway(tools, () => true, transactions);
  await tools.traffic.withdrawals();
  return bite;
}

/** Lets the chain misbehave towards one broadcast; deposits are sent before, so that they do not take the fault. */
async function armed(
  { truth, traffic }: FaultTools,
  fault: { readonly kind: string } & Readonly<Record<string, unknown>>,
): Promise<Bite> {
  await traffic.deposits();
  await truth.mine(1);
  await truth.arm(fault);
  await traffic.withdrawals();
  const used = await until(BITE_MS, async () => (await truth.armed(fault.kind)) === 0);
  return used ? BITTEN : missed(`${fault.kind} had nothing to act on`);
}

async function holdBack(tools: FaultTools, offsets: readonly [number, number]): Promise<Bite> {
  const { truth, random } = tools;
  const offsetMs = between(...offsets, random);
  const bite = await armed(tools, { kind: 'hold', offsetMs, count: 2 });
  if (!bite.bit) return bite;
  const { solidNumber: from } = await truth.status();
  await truth.mine(PAST_EXPIRY_BLOCKS);
  // What was held is in the block of that time, give or take a slot; nothing else expires then.
  const isThere = ({ block_header, transactions = [] }: RawBlock) =>
    transactions.some(({ raw_data }) => {
      const offMs = block_header.raw_data.timestamp - ((raw_data.expiration ?? 0) + offsetMs);
      return Math.abs(offMs) <= SLOT_MS;
    });
  for (let at = from; at <= from + PAST_EXPIRY_BLOCKS; at += BLOCKS_AT_ONCE) {
    if ((await truth.openBlocks(at, at + BLOCKS_AT_ONCE - 1)).some(isThere)) return BITTEN;
  }
  return missed(`nothing was included ${offsetMs} ms from its expiration`);
}

const one = { processes: 1 } as const;
const failedCall = (result: string): Fault => ({
  ...one,
  plan: 'T23',
  name: `chain.${result.toLowerCase().replaceAll('_', '-')}`,
  meaning: `the batch ends with ${result} on chain`,
  act: (tools) => armed(tools, { kind: 'fail-call', result, count: 1 }),
});
const fork = (what: 'payout' | 'deposit', transactions: 'return' | 'drop'): Fault => ({
  ...one,
  plan: 'T20',
  name: `fork.${what}-${transactions}`,
  meaning: `1 to 18 blocks with a ${what} are undone; it is ${transactions === 'drop' ? 'lost' : 'in a later block, where it is still valid'}`,
  act: (tools) => (what === 'payout' ? forkPayout : forkDeposit)(tools, transactions),
});

/** What the chain does, whoever tells of it. */
export const CHAIN_FAULTS: readonly Fault[] = [
  fork('payout', 'return'),
  fork('payout', 'drop'),
  fork('deposit', 'return'),
  fork('deposit', 'drop'),
  {
    ...one,
    plan: 'T22',
    name: 'chain.included-just-before-expiry',
    meaning: 'included up to 3 s before the expiration',
    act: (tools) => holdBack(tools, [-3_000, -1]),
  },
  {
    ...one,
    plan: 'T22',
    name: 'chain.included-after-expiry',
    meaning: 'included up to 3 s after the expiration, the slots between were missed',
    act: (tools) => holdBack(tools, [0, 3_000]),
  },
  failedCall('REVERT'),
  failedCall('OUT_OF_ENERGY'),
  failedCall('OUT_OF_TIME'),
  {
    ...one,
    plan: 'T21',
    name: 'chain.drops-what-it-accepted',
    meaning: 'the node accepts a transaction and loses it, twice',
    act: (tools) => armed(tools, { kind: 'drop', count: 2 }),
  },
];

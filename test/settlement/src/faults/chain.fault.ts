import { FAILURES_MAX, until } from '../cluster.js';
import type { RawBlock } from '../truth.js';
import {
  armed,
  callEnds,
  failedCalls,
  forkAway,
  isOfHotWallet,
  type Wanted,
} from './chain-tools.js';
import { BITTEN, type Bite, between, type Fault, type FaultTools, missed } from './fault.js';

/** Past the expiration of an attempt and three seconds more, in blocks of the rig's chain. */
const PAST_EXPIRY_BLOCKS = 220;
const SLOT_MS = 100;
const GIVE_UP_MS = 40_000;
const RESULTS = ['REVERT', 'OUT_OF_ENERGY', 'OUT_OF_TIME'] as const;
/** A batch of one burns 6.4 TRX, of two 9.3. */
const CUT_FEE_LIMIT_SUN = [500_000, 6_000_000] as const;
const BLOCKS_AT_ONCE = 100;
const [FORK_TRIES, FORK_WITHIN_MS] = [3, 10_000];

async function forkPayout(tools: FaultTools, transactions: 'return' | 'drop'): Promise<Bite> {
  return forkWhatIsSent(
    tools,
    () => tools.traffic.withdrawals(),
    isOfHotWallet(tools),
    transactions,
  );
}

async function forkDeposit(tools: FaultTools, transactions: 'return' | 'drop'): Promise<Bite> {
  const bite = await forkWhatIsSent(
    tools,
    () => tools.traffic.deposits(),
    () => true,
    transactions,
  );
  await tools.traffic.withdrawals();
  return bite;
}

// A block can be undone for half a second or so; on a busy machine that may be over before it is seen.
async function forkWhatIsSent(
  tools: FaultTools,
  send: () => Promise<unknown>,
  wanted: Wanted,
  transactions: 'return' | 'drop',
): Promise<Bite> {
  for (let tries = FORK_TRIES; ; tries--) {
    await send();
    const bite = await forkAway(tools, wanted, transactions, 'any', FORK_WITHIN_MS);
    if (bite.bit || tries === 1) return bite;
  }
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

/** Energy has become dearer since a batch was signed: it runs, out of what it may cost. */
async function cutFeeLimit(tools: FaultTools): Promise<Bite> {
  const { headNumber } = await tools.truth.status();
  const feeLimitSun = between(...CUT_FEE_LIMIT_SUN, tools.random);
  const bite = await armed(tools, { kind: 'cut-fee-limit', feeLimitSun, count: 1 });
  return bite.bit ? callEnds(tools, headNumber, 'OUT_OF_ENERGY', 'REVERT') : bite;
}

/** Every call fails: withdrawals go back to their owners, after so many transactions and not one more. */
async function failForGood(tools: FaultTools): Promise<Bite> {
  const { cluster, truth, traffic, random } = tools;
  const result = RESULTS[between(0, RESULTS.length - 1, random)];
  await traffic.deposits();
  await truth.mine(1);
  const { headNumber } = await truth.status();
  const before = traffic.asked.length;
  await truth.arm({ kind: 'fail-call', result, count: 1_000 });
  await traffic.withdrawals();
  const asked = traffic.asked.slice(before).filter(({ asset }) => asset === 'TRC20_BTT');
  const back = await until(GIVE_UP_MS, async () => {
    const [row] = await cluster.sql<{ count: bigint }[]>`
      select count(*) from ledger.withdrawals
      where state = 8 and encode(withdrawal_id, 'hex') in ${cluster.sql(asked.map(({ id }) => id))}`;
    return Number(row?.count) === asked.length;
  });
  if (!back) return missed('the withdrawals did not go back');
  const tried = (await failedCalls(tools, headNumber)).length;
  // At first together, then in halves, then each alone.
  const most = asked.length * FAILURES_MAX;
  return tried >= FAILURES_MAX && tried <= most
    ? BITTEN
    : missed(`${tried} transactions failed, not ${FAILURES_MAX} to ${most}`);
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
    plan: 'T23',
    name: 'chain.fee-limit-cut',
    meaning: 'energy is dearer than when the batch was signed: it runs out of its fee limit',
    act: cutFeeLimit,
  },
  {
    ...one,
    plan: 'T23',
    name: 'chain.fails-for-good',
    meaning: `all calls fail: the withdrawals go back after ${FAILURES_MAX} failures each, once`,
    act: failForGood,
  },
  {
    ...one,
    plan: 'T21',
    name: 'chain.drops-what-it-accepted',
    meaning: 'the node accepts a transaction and loses it, twice',
    act: (tools) => armed(tools, { kind: 'drop', count: 2 }),
  },
];

import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../cluster.js';
import { BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const EXPIRY_BLOCKS = 160;
const LIE_MS = 1_200;

type Lie = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** Lets the node lie or fail until the lies are used up, or for a while. */
async function lieFor(
  { truth, traffic }: FaultTools,
  lie: Lie,
  how: 'used up' | 'for a while' = 'used up',
): Promise<Bite> {
  await traffic.deposits();
  await truth.arm(lie);
  const before = await truth.armed(lie.kind);
  await traffic.withdrawals();
  if (how === 'for a while') {
    await sleep(LIE_MS);
    const told = before - (await truth.armed(lie.kind));
    await truth.disarm();
    return told > 0 ? BITTEN : missed('nobody asked');
  }
  const used = await until(BITE_MS, async () => (await truth.armed(lie.kind)) === 0);
  return used ? BITTEN : missed(`${lie.kind} had nothing to act on`);
}

/** The id of a transaction that was signed after a moment and is still open. */
async function openAttempt({ cluster }: FaultTools): Promise<string | undefined> {
  let txid: string | undefined;
  await until(BITE_MS, async () => {
    const [row] = await cluster.sql<{ txid: string }[]>`
      select encode(txid, 'hex') as txid from settlement.attempts
      where outcome = 0 and broadcasts > 0 order by signed_at_ms desc limit 1`;
    txid = row?.txid;
    return txid !== undefined;
  });
  return txid;
}

/** Everything sent is lost, and the node says that one of the transactions is in a block. */
async function falseInclusion(tools: FaultTools, api: 'wallet' | 'walletsolidity'): Promise<Bite> {
  const { truth, traffic } = tools;
  await traffic.deposits();
  await truth.mine(1);
  await truth.arm({ kind: 'drop', count: 1_000 });
  await traffic.withdrawals();
  const txid = await openAttempt(tools);
  if (txid === undefined) return missed('nothing was signed');
  const { headNumber } = await truth.status();
  const body = { id: txid, blockNumber: headNumber, fee: 0, receipt: { result: 'SUCCESS' } };
  const path = `/${api}/gettransactioninfobyid`;
  await truth.arm({ kind: 'answer', path, body, count: 12 });
  if (api === 'walletsolidity') await truth.mine(EXPIRY_BLOCKS);
  const told = await until(BITE_MS, async () => (await truth.armed('answer')) < 12);
  await sleep(300);
  await truth.disarm();
  return told ? BITTEN : missed('nobody asked about it');
}

const common = { plan: 'T21', processes: 1 } as const;
const lie = (name: string, meaning: string, fault: Lie, how?: 'for a while'): Fault => ({
  ...common,
  name: `node.${name}`,
  meaning,
  act: (tools) => lieFor(tools, fault, how),
});

/** What the node does that settlement asks. */
export const NODE_FAULTS: readonly Fault[] = [
  lie('lies-about-success', 'answers success to a broadcast without looking at it', {
    kind: 'lie-success',
    count: 2,
  }),
  lie('answers-after-time-out', 'takes a broadcast and answers after the client has given up', {
    kind: 'delay-after',
    path: '/wallet/broadcast',
    delayMs: 2_500,
    count: 2,
  }),
  lie('says-duplicate-and-takes-it', 'says DUP_TRANSACTION_ERROR to what it takes', {
    kind: 'refuse',
    code: 'DUP_TRANSACTION_ERROR',
    accept: true,
    count: 2,
  }),
  lie('says-duplicate-and-drops-it', 'says DUP_TRANSACTION_ERROR to what it never had', {
    kind: 'refuse',
    code: 'DUP_TRANSACTION_ERROR',
    count: 2,
  }),
  lie('refuses-what-it-takes', 'says that a transaction is invalid, and takes it', {
    kind: 'refuse',
    code: 'CONTRACT_VALIDATE_ERROR',
    accept: true,
    count: 2,
  }),
  lie('is-busy', 'answers SERVER_BUSY to broadcasts', {
    kind: 'refuse',
    code: 'SERVER_BUSY',
    count: 3,
  }),
  {
    ...lie('has-no-bandwidth', 'answers BANDWITH_ERROR to broadcasts', {
      kind: 'refuse',
      code: 'BANDWITH_ERROR',
      count: 3,
    }),
    plan: 'T23',
  },
  lie(
    'answers-429',
    'answers 429 to everything',
    { kind: 'http-error', path: '/wallet', status: 429, count: 40 },
    'for a while',
  ),
  lie(
    'answers-503',
    'answers 503 to everything',
    { kind: 'http-error', path: '/wallet', status: 503, count: 40 },
    'for a while',
  ),
  lie(
    'answers-late',
    'answers everything 0.7 s late',
    { kind: 'delay-before', path: '/wallet', delayMs: 700, count: 1_000 },
    'for a while',
  ),
  lie(
    'alters-blocks',
    'shows blocks with other amounts and payees in their transactions',
    { kind: 'alter', path: '/walletsolidity/getblockbynum', count: 100_000 },
    'for a while',
  ),
  lie(
    'hides-the-solid-head',
    'shows solidified blocks thirty blocks late',
    { kind: 'stale-solid', blocks: 30, count: 100_000 },
    'for a while',
  ),
  {
    ...common,
    name: 'node.false-inclusion',
    meaning: 'says SUCCESS of a transaction that is in no block',
    act: (tools) => falseInclusion(tools, 'wallet'),
  },
  {
    ...common,
    name: 'node.false-solid',
    meaning: 'says that the solidified chain holds a transaction that has expired unseen',
    act: (tools) => falseInclusion(tools, 'walletsolidity'),
  },
];

import { chainHex } from '../check/chain-record.js';
import { until } from '../cluster.js';
import type { RawTransaction } from '../truth.js';
import { BITTEN, type Bite, between, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const FORK_MAX = 18;
const BLOCKS_AT_ONCE = 100;

/** What a fault looks for on the chain. */
export type Wanted = (transaction: RawTransaction) => boolean;

/** Transactions that an account has signed; hex address with 41. */
export const isOf =
  (ownerHex: string): Wanted =>
  ({ raw_data }) =>
    raw_data.contract[0]?.parameter.value.owner_address === ownerHex;

/** Transactions of settlement. */
export const isOfHotWallet = ({ traffic, cluster }: FaultTools): Wanted =>
  isOf(chainHex(traffic.wallet(cluster.secret('hotWalletKey')).address));

/** Undoes the newest blocks, as soon as one of them holds what is looked for: no more than that, or up to eighteen. */
export async function forkAway(
  { truth, random }: FaultTools,
  wanted: Wanted,
  transactions: 'return' | 'drop',
  depths: 'least' | 'any' = 'any',
  biteMs = BITE_MS,
): Promise<Bite> {
  let undone: readonly string[] = [];
  const found = await until(biteMs, async () => {
    const { headNumber, solidNumber } = await truth.status();
    const blocks = await truth.openBlocks(Math.max(solidNumber + 1, 1), headNumber);
    const hit = blocks.find((block) => block.transactions?.some(wanted));
    if (hit === undefined) return false;
    const depth = headNumber - (hit.block_header.raw_data.number ?? 0) + 1;
    const most = Math.min(FORK_MAX, headNumber - solidNumber - 2);
    if (depth > most) return false;
    const blocksUndone = depths === 'least' ? depth : between(depth, most, random);
    undone = await truth.fork(blocksUndone, transactions).catch(() => []);
    return undone.length > 0;
  });
  return found ? BITTEN : missed('no transaction was undone');
}

/** How settlement's contract calls have ended, from a block on, that have not succeeded. */
export async function failedCalls(tools: FaultTools, fromBlock: number): Promise<string[]> {
  const isOurs = isOfHotWallet(tools);
  const { headNumber } = await tools.truth.status();
  const results: string[] = [];
  for (let at = fromBlock; at <= headNumber; at += BLOCKS_AT_ONCE) {
    const to = Math.min(headNumber, at + BLOCKS_AT_ONCE - 1);
    for (const { transactions = [] } of await tools.truth.openBlocks(at, to)) {
      const ends = transactions.filter(isOurs).map(({ ret }) => ret?.[0]?.contractRet ?? '');
      results.push(...ends.filter((end) => end !== 'SUCCESS'));
    }
  }
  return results;
}

/** Waits until one of settlement's calls has ended this way. */
export async function callEnds(
  tools: FaultTools,
  fromBlock: number,
  ...results: readonly string[]
): Promise<Bite> {
  let seen: string[] = [];
  const found = await until(BITE_MS, async () => {
    seen = await failedCalls(tools, fromBlock);
    return seen.some((end) => results.includes(end));
  });
  return found ? BITTEN : missed(`no call ended with ${results.join(' or ')}, but: ${seen}`);
}

/** Lets the chain misbehave or its node misbehave towards one broadcast; deposits are sent before, so that they do not take the fault. */
export async function armed(
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

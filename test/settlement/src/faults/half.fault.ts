import type { AssetName } from '../check/chain-record.js';
import { BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
/** Of the batch that fails: its halves have three and two. */
const PAYEES = 5;
const WITHDRAWALS = Array.from({ length: PAYEES }, (): AssetName => 'TRC20_BTT');

/** Where settlement dies: the pass is that of the first half, once the whole batch has failed. */
const POINTS = [
  ['settlement.after-failed', 1, 'a batch of five failed, its halves not planned'],
  ['settlement.before-plan', 2, 'halves of a failed batch about to be stored'],
  ['settlement.after-plan', 2, 'halves of a failed batch stored'],
  ['settlement.after-signed', 2, 'the first half of a failed batch signed, not sent'],
  ['settlement.after-broadcast', 2, 'the first half of a failed batch sent, not noted'],
] as const;

/** A batch fails on the chain as a whole, and settlement is killed on the way of its halves. */
async function killHalves(tools: FaultTools, point: string, pass: number): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const victim = cluster.identity('settlement');
  const log = cluster.followLog('settlement');
  await truth.arm({ kind: 'fail-call', result: 'OUT_OF_TIME', count: 1 });
  cluster.arm(victim, `${point}:${pass}`);
  // Stopped meanwhile, so that one run plans them all.
  cluster.kill(victim, 'SIGSTOP');
  await traffic.withdrawals(WITHDRAWALS);
  cluster.kill(victim, 'SIGCONT');
  if (!(await cluster.died(victim, BITE_MS))) {
    cluster.arm(victim, '');
    return missed(`no pass ${pass} of ${point}`);
  }
  if (!log.text().includes(`fail-point ${point}: SIGKILL`)) return missed('it died elsewhere');
  const [last] = await cluster.sql<{ payouts: number }[]>`
    select payouts from settlement.batches where state = 6 order by batch_no desc limit 1`;
  return last?.payouts === PAYEES ? BITTEN : missed('no batch of five has failed');
}

/** Deaths of settlement between a batch that failed and its halves. */
export const HALF_FAULTS: readonly Fault[] = POINTS.map(([point, pass, meaning]): Fault => {
  const name = point.replace('settlement.', 'halves.');
  const act = (tools: FaultTools) => killHalves(tools, point, pass);
  return { plan: 'T3', processes: 1, name, meaning, act };
});

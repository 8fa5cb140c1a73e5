import { OPERATOR_POINTS } from '#libs/failpoints';
import { until } from '../cluster.js';
import { explainAll, explainOurs, unexplained } from './explain.js';
import { ask, BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const SOLID_BLOCKS = 20;

type Point = (typeof OPERATOR_POINTS)[number];

const MEANINGS: Readonly<Record<Point, string>> = {
  'settlement.before-explained': 'about to keep an explanation',
  'settlement.after-explained': 'an explanation kept, the operator not told',
};

/** The rig uses the hot wallet's key, and settlement dies while an operator explains that. Payouts go on once it is kept. */
async function killExplaining(tools: FaultTools, point: Point): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const victim = cluster.identity('settlement');
  const log = cluster.followLog('settlement');
  await traffic.wallet(cluster.secret('hotWalletKey')).sendTrx(traffic.faucet.address, 1n);
  await truth.mine(SOLID_BLOCKS);
  const isRead = await until(BITE_MS, async () => (await unexplained(tools)).length === 1);
  if (!isRead) return missed('settlement did not read what the rig has sent');
  cluster.arm(victim, `${point}:1`);
  await explainAll(tools);
  if (!(await cluster.died(victim, BITE_MS))) return missed(`no pass of ${point}`);
  if (!log.text().includes(`fail-point ${point}: SIGKILL`)) return missed(`it died elsewhere`);
  const isKept = (await unexplained(tools)).length === 0;
  if (isKept !== (point === 'settlement.after-explained'))
    return missed('the word was not as said');
  if (!isKept && !(await explainOurs(tools, 1))) return missed('it could not be said again');
  await ask(tools);
  return BITTEN;
}

/** Deaths of settlement while an operator speaks. */
export const OPERATOR_FAULTS: readonly Fault[] = OPERATOR_POINTS.map((name): Fault => {
  const act = (tools: FaultTools) => killExplaining(tools, name);
  return { plan: 'T3', processes: 1, name, meaning: MEANINGS[name], act };
});

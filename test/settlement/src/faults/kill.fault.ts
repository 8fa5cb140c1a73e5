import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '#libs/failpoints';
import { SETTLEMENT_POINTS } from '#libs/failpoints';
import { type ProcessName, until } from '../cluster.js';
import { ask, BITTEN, type Bite, between, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const MOMENT_MS = 2_500;
/** Longer than an attempt lives, in blocks of the rig's chain. */
const EXPIRY_BLOCKS = 160;

type Point = (typeof SETTLEMENT_POINTS)[number];

const MEANINGS: Readonly<Record<Point, string>> = {
  'settlement.before-plan': 'payouts claimed at the ledger, no batch stored',
  'settlement.after-plan': 'INTENT stored: who is paid',
  'settlement.before-signed': 'signed, not stored',
  'settlement.after-signed': 'SIGNED stored, nothing sent',
  'settlement.before-broadcast': 'about to send the stored bytes',
  'settlement.after-broadcast': 'sent and answered, not noted',
  'settlement.after-broadcast-noted': 'BROADCAST stored',
  'settlement.before-scan-stored': 'a solidified block with something of ours read, not stored',
  'settlement.after-scan-stored': 'stored what the chain shows, nothing concluded from it',
  'settlement.after-confirmed': 'CONFIRMED stored',
  'settlement.before-finished': 'about to store SOLIDIFIED',
  'settlement.after-finished': 'SOLIDIFIED stored, the ledger not told',
  'settlement.after-expired': 'a transaction proven dead, the next one not signed',
  'settlement.after-failed': 'a batch failed, its payouts wait for another one',
  'settlement.before-report': 'about to tell the ledger',
  'settlement.after-report': 'the ledger told, not noted',
  'settlement.before-credit': 'a deposit stored, the ledger not told',
  'settlement.after-credit': 'a deposit credited by the ledger, not noted',
};

/** Points that are passed only when something went wrong before. */
async function provoke({ truth }: FaultTools, point: FailPoint): Promise<void> {
  if (point.endsWith('-expired')) await truth.arm({ kind: 'drop', count: 200 });
  if (point.endsWith('-failed')) await truth.arm({ kind: 'fail-call', result: 'REVERT', count: 1 });
}

/** Pays in and out until settlement is killed at a point. */
export async function killAt(tools: FaultTools, point: FailPoint): Promise<Bite> {
  const { cluster, truth, traffic, random } = tools;
  const victim = cluster.identity('settlement');
  const log = cluster.followLog('settlement');
  await traffic.deposits();
  await truth.mine(1);
  await provoke(tools, point);
  // A point is passed once or twice a round.
  cluster.arm(victim, `${point}:${point.includes('-signed') ? between(1, 2, random) : 1}`);
  await traffic.withdrawals();
  if (point.endsWith('-expired')) {
    await until(BITE_MS, async () => (await truth.armed('drop')) < 200);
    await truth.mine(EXPIRY_BLOCKS);
  }
  if (!(await cluster.died(victim, BITE_MS))) {
    cluster.arm(victim, '');
    return missed(`no pass of ${point} within ${BITE_MS / 1_000} s`);
  }
  await truth.disarm();
  const told = `fail-point ${point}: SIGKILL to process ${victim.pid}\n`;
  return log.text().includes(told) ? BITTEN : missed(`it died, but not at ${point}`);
}

/** SIGKILL while a broadcast is carried out and its answer awaited. */
async function killInBroadcast({ cluster, truth, traffic }: FaultTools): Promise<Bite> {
  const victim = cluster.identity('settlement');
  await traffic.deposits();
  await truth.arm({ kind: 'delay-after', path: '/wallet/broadcast', delayMs: 900, count: 1 });
  await traffic.withdrawals();
  const sent = await until(BITE_MS, async () => (await truth.armed('delay-after')) === 0);
  if (!sent) return missed('nothing was sent');
  cluster.kill(victim, 'SIGKILL');
  return (await cluster.died(victim, BITE_MS)) ? BITTEN : missed('it survived SIGKILL');
}

async function killAnytime(tools: FaultTools, name: ProcessName): Promise<Bite> {
  const victim = tools.cluster.identity(name);
  await ask(tools);
  await sleep(tools.random() * MOMENT_MS);
  tools.cluster.kill(victim, 'SIGKILL');
  return (await tools.cluster.died(victim, BITE_MS)) ? BITTEN : missed('it survived SIGKILL');
}

const common = { plan: 'T3', processes: 1 } as const;

/** Deaths of settlement, and of the ledger under it. */
export const KILLS: readonly Fault[] = [
  ...SETTLEMENT_POINTS.map((name): Fault => {
    return { ...common, name, meaning: MEANINGS[name], act: (tools) => killAt(tools, name) };
  }),
  {
    ...common,
    name: 'settlement.in-broadcast',
    meaning: 'the node has the transaction, its answer is on the way',
    act: killInBroadcast,
  },
  {
    ...common,
    name: 'settlement.any-moment',
    meaning: 'settlement killed from outside',
    act: (tools) => killAnytime(tools, 'settlement'),
  },
  {
    ...common,
    name: 'balance.any-moment',
    meaning: 'the ledger killed from outside',
    act: (tools) => killAnytime(tools, 'balance'),
  },
];

import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '#libs/failpoints';
import { until } from '../cluster.js';
import { BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;

/** The leader stops with work in hand until it has lost its lock; the other one takes over; then it wakes up. */
async function pauseLeader(tools: FaultTools, point: FailPoint): Promise<Bite> {
  const { cluster, traffic, pauseMs } = tools;
  await traffic.deposits();
  const both = cluster.settlements.map((name) => cluster.identity(name));
  for (const each of both) {
    cluster.arm(each, `${point}:1:stop`);
    // Each reads the file when it gets the signal.
    await sleep(50);
  }
  await traffic.withdrawals();
  const stopped = () => both.find((each) => cluster.isStopped(each));
  await until(BITE_MS, async () => stopped() !== undefined);
  const leader = stopped();
  const others = both.filter((each) => each !== leader);
  for (const each of leader === undefined ? both : others) cluster.arm(each, '');
  if (leader === undefined) return missed(`no pass of ${point}`);
  const before = await cluster.leaderSession();
  await sleep(pauseMs);
  const isLed = await until(BITE_MS, async () => {
    const after = await cluster.leaderSession();
    return after !== undefined && after !== before;
  });
  cluster.kill(leader, 'SIGCONT');
  return before !== undefined && isLed ? BITTEN : missed('nobody took over');
}

/** One of the two stops wherever it is, the leader or the other one. */
async function pauseAnytime(tools: FaultTools): Promise<Bite> {
  const { cluster, traffic, random, pauseMs } = tools;
  await traffic.deposits();
  await traffic.withdrawals();
  await sleep(random() * 2_000);
  const name = cluster.settlements[random() < 0.5 ? 0 : 1] ?? 'settlement';
  const stopped = cluster.identity(name);
  cluster.kill(stopped, 'SIGSTOP');
  const isStopped = await until(BITE_MS, async () => cluster.isStopped(stopped));
  await sleep(pauseMs);
  const isLed = await until(BITE_MS, async () => (await cluster.leaderSession()) !== undefined);
  cluster.kill(stopped, 'SIGCONT');
  if (!isStopped) return missed('it did not stop');
  return isLed ? BITTEN : missed('nobody took over');
}

/** Both believe to lead, since the lock is taken from whoever has it again and again. */
async function stealLock(tools: FaultTools): Promise<Bite> {
  const { cluster, traffic } = tools;
  await traffic.deposits();
  await traffic.withdrawals();
  let stolen = 0;
  for (let time = 0; time < 12; time++) {
    if (await cluster.endLeaderSession()) stolen += 1;
    await sleep(150);
  }
  return stolen > 1 ? BITTEN : missed('the lock was held by nobody');
}

const two = { plan: 'T26', processes: 2 } as const;
const paused = (point: FailPoint, meaning: string): Fault => ({
  ...two,
  name: `leader.paused-${point.split('.')[1]}`,
  meaning: `the leader stops ${meaning}, loses its lock, and wakes up after the other has gone on`,
  act: (tools) => pauseLeader(tools, point),
});

/** Two settlement processes at once. */
export const LEADER_FAULTS: readonly Fault[] = [
  paused('settlement.before-plan', 'with a plan in hand'),
  paused('settlement.before-signed', 'with a signed transaction in hand that is not stored'),
  paused('settlement.before-broadcast', 'with stored bytes in hand'),
  paused('settlement.before-finished', 'about to store that a batch is paid'),
  {
    ...paused('settlement.before-epoch-broadcast', 'with the stored bytes of an epoch in hand'),
    epochs: true,
  },
  {
    ...two,
    name: 'leader.paused-any-moment',
    meaning: 'a process stops wherever it is, with its lock if it has it',
    act: pauseAnytime,
  },
  {
    ...two,
    name: 'leader.lock-stolen',
    meaning: 'the lock goes to and fro between the two',
    act: stealLock,
  },
];

import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPoint } from '#libs/failpoints';
import type { ProcessName } from '../cluster.js';
import { type Bite, type FaultTools, oneOf, upTo } from './fault.js';

const BITE_MS = 60_000;
/** The stopped member's session has to end before partitions are handed over. */
const TAKE_OVER_MS = 3_500;
const TAKE_OVER_MAX_MS = 60_000;
const WAKE_MS = 30_000;
const REPLICAS: readonly ProcessName[] = ['balance', 'balance-2'];

const otherOf = (name: ProcessName): ProcessName => (name === 'balance' ? 'balance-2' : 'balance');

/** One replica is killed, and the other one kills itself while it takes part in the rebalance. */
export async function killInRebalance(
  { cluster, random }: FaultTools,
  point: FailPoint,
): Promise<Bite> {
  const name = oneOf(REPLICAS, random);
  const victim = cluster.identity(name);
  const other = cluster.identity(otherOf(name));
  const log = cluster.followLog(name);
  cluster.arm(victim, `${point}:${upTo(2, random)}`);
  cluster.kill(other, 'SIGKILL');
  if (!(await cluster.died(victim, BITE_MS))) {
    cluster.arm(victim, '');
    return { bit: false, why: 'no rebalance reached the other replica' };
  }
  const atMs = Date.now();
  if (!log.text().includes(`fail-point ${point}: SIGKILL to process ${victim.pid}\n`)) {
    return { bit: false, why: `${name} died, but not at ${point}` };
  }
  const isBack = () => cluster.isReplaced(name, victim) && cluster.isReplaced(otherOf(name), other);
  return { bit: true, atMs, isBack };
}

/**
 * A replica stops at a fail-point until the group has given its partitions to the other one, and wakes
 * up with what it had in hand. With records in hand it must find them applied: the refusal by the fence
 * stands in its log, and is the evidence. With an open transaction its lock keeps the other one waiting,
 * and either of the two may win.
 */
export async function wakeAZombie(tools: FaultTools, point: FailPoint): Promise<Bite> {
  const { cluster, random } = tools;
  const name = oneOf(REPLICAS, random);
  const victim = cluster.identity(name);
  const log = cluster.followLog(name);
  cluster.arm(victim, `${point}:${upTo(4, random)}:stop`);
  if (!(await cluster.isStopped(victim, BITE_MS))) {
    cluster.arm(victim, '');
    return { bit: false, why: `no pass of ${point} within ${BITE_MS / 1_000} s` };
  }
  const stopped = log.text().includes(`fail-point ${point}: SIGSTOP to process ${victim.pid}\n`);
  const isTaken = await isTakenOver(tools, point);
  cluster.kill(victim, 'SIGCONT');
  if (!isTaken) return { bit: false, why: 'no other replica took over' };
  const atMs = Date.now();
  if (!stopped) return { bit: false, why: `${name} stopped, but not at ${point}` };
  if (point === 'balance.after-poll') {
    const deadline = Date.now() + WAKE_MS;
    while (!log.text().includes('was applied elsewhere')) {
      if (Date.now() > deadline) return { bit: false, why: 'the fence had nothing to refuse' };
      await sleep(20);
    }
  }
  return { bit: true, atMs, isBack: () => true };
}

// With records in hand the victim holds no lock: once every partition has been applied further, its own have
// been by another. With an open transaction it holds up its partition, and only time can tell.
async function isTakenOver({ applied, random }: FaultTools, point: FailPoint): Promise<boolean> {
  const before = await applied();
  await sleep(TAKE_OVER_MS + random() * 500);
  if (point !== 'balance.after-poll') return true;
  const deadline = Date.now() + TAKE_OVER_MAX_MS;
  while (Date.now() < deadline) {
    const now = await applied();
    if (before?.every((offset, part) => (now?.[part] ?? offset) > offset)) return true;
    await sleep(50);
  }
  return false;
}

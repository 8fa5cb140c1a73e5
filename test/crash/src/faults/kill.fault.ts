import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { FailPoint } from '#libs/failpoints';
import { type ProcessName, within } from '../cluster.js';
import { type Bite, type FaultTools, upTo } from './fault.js';

const BITE_MS = 60_000;
/** Passes come with every flush: ingest has far more of them than balance. */
const PASSES_MAX = { ingest: 12, balance: 6 } as const;
const MOMENT_MS = 250;
const BACKEND_POLL_MS = 5;

/** A process kills itself at one of the next passes of a fail-point. */
export async function killAtFailPoint(
  { cluster, random }: FaultTools,
  process: 'ingest' | 'balance',
  point: FailPoint,
): Promise<Bite> {
  const victim = cluster.identity(process);
  const log = cluster.followLog(process);
  cluster.arm(victim, `${point}:${upTo(PASSES_MAX[process], random)}`);
  if (!(await cluster.died(victim, BITE_MS))) {
    cluster.arm(victim, '');
    return { bit: false, why: `no pass of ${point} within ${BITE_MS / 1_000} s` };
  }
  const atMs = Date.now();
  if (!log.text().includes(`fail-point ${point}: SIGKILL to process ${victim.pid}\n`)) {
    return { bit: false, why: `${process} died, but not at ${point}` };
  }
  return { bit: true, atMs, isBack: () => cluster.isReplaced(process, victim) };
}

/** SIGKILL at a moment that nobody chose. */
export async function killAnytime(
  { cluster, random }: FaultTools,
  process: ProcessName,
): Promise<Bite> {
  const victim = cluster.identity(process);
  await sleep(random() * MOMENT_MS);
  cluster.kill(victim, 'SIGKILL');
  if (!(await cluster.died(victim, BITE_MS))) return { bit: false, why: 'it survived SIGKILL' };
  return { bit: true, atMs: Date.now(), isBack: () => cluster.isReplaced(process, victim) };
}

/** SIGKILL for one backend of Postgres while it works for balance; the server then ends all others. */
export async function killBackend({ cluster, random }: FaultTools): Promise<Bite> {
  await sleep(random() * MOMENT_MS);
  const log = cluster.followLog('postgres');
  const pid = await busyBackend(cluster.databaseUrl);
  if (pid === undefined) return { bit: false, why: 'balance was in no transaction' };
  process.kill(pid, 'SIGKILL');
  const restarted = () => log.text().includes('all server processes terminated; reinitializing');
  if (!(await within(BITE_MS, restarted))) return { bit: false, why: 'Postgres did not notice' };
  return { bit: true, atMs: Date.now(), isBack: () => true };
}

async function busyBackend(databaseUrl: string): Promise<number | undefined> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  try {
    const deadline = Date.now() + BITE_MS;
    while (Date.now() < deadline) {
      // The lock tells writers of the books from those who only read.
      const [row] = await sql<{ pid: number }[]>`
        select a.pid from pg_stat_activity a
        where a.application_name = 'swarmledger-balance' and a.xact_start is not null
          and exists (select 1 from pg_locks l where l.pid = a.pid and l.mode = 'RowExclusiveLock'
            and l.relation = 'ledger.log_offsets'::regclass)
        limit 1`;
      if (row) return row.pid;
      await sleep(BACKEND_POLL_MS);
    }
    return undefined;
  } finally {
    await sql.end({ timeout: 0 }).catch(() => undefined);
  }
}

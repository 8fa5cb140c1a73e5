import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { Units } from '#libs/domain';
import type { AckLog } from '../load/ack-log.js';
import type { ListedChannel } from '../load/order.js';
import { CHAIN_CHECKS, CHECKS, type Check, HASH_CHECKS } from './checks.js';
import type { Finding } from './findings.js';

const FINDINGS_PER_CHECK_MAX = 5;
const POLL_MS = 25;
const PARTS = 9;

type Types = { bigint: bigint };
type Sql = postgres.Sql<Types> | postgres.TransactionSql<Types>;

/** What the payer knows, frozen: by channel number, amounts it was told of and amounts it claimed. */
export type Told = { readonly ackedUnits: readonly Units[]; readonly sentUnits: readonly Units[] };

/** Freezes what a payer's log says now. */
export function toldBy({ ackedUnits, sentUnits }: AckLog): Told {
  return { ackedUnits: [...ackedUnits], sentUnits: [...sentUnits] };
}

/**
 * Compares what a payer was told with what stands in Postgres. It asks no service and shares no code
 * with any: it believes the payer's log, the channels and the journal.
 */
export class LedgerChecker {
  readonly #sql: postgres.Sql<Types>;
  /** First link of each part whose hash was not computed yet. */
  #firstUnhashed: bigint[] = new Array<bigint>(PARTS).fill(0n);

  constructor(
    databaseUrl: string,
    private readonly channels: readonly ListedChannel[],
  ) {
    this.#sql = postgres(databaseUrl, {
      max: 1,
      onnotice: () => undefined,
      connect_timeout: 5,
      backoff: () => 0.05,
      types: { bigint: postgres.BigInt },
      connection: { application_name: 'swarmledger-crash-checker', jit: 'off' },
    });
  }

  /**
   * Waits until every channel owes what the payer was told; false when that has not come after
   * `timeoutMs`. A database that is down is waited for too.
   */
  async waitFor(told: Told, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const owed = await this.#owed(this.#sql).catch(() => undefined);
      if (owed && this.#lost(told, owed).length === 0) return true;
      await sleep(POLL_MS);
    }
    return false;
  }

  /**
   * All that is wrong in one snapshot. Hashes are computed for links that are new since the last call, or
   * with `whole` for all. The payer may be sending: `told` must be older than the call, `sent` may be newer.
   */
  async check(
    told: Told,
    sent: () => readonly Units[],
    { whole = false }: { readonly whole?: boolean } = {},
  ): Promise<Finding[]> {
    const level = 'isolation level repeatable read read only';
    const found = await this.#sql.begin(level, async (sql) => {
      const owed = await this.#owed(sql);
      const findings = [...this.#lost(told, owed), ...this.#invented(sent(), owed)];
      for (const check of [...CHECKS, ...CHAIN_CHECKS]) findings.push(...(await ask(sql, check)));
      const from = whole ? new Array<bigint>(PARTS).fill(0n) : this.#firstUnhashed;
      for (const check of HASH_CHECKS) {
        findings.push(...(await ask(sql, check, [sql.array([...from], 1016)])));
      }
      this.#firstUnhashed = await nextLinks(sql);
      return findings;
    });
    return found as Finding[];
  }

  /** Up to which offset each partition of the log is applied; undefined while the database cannot tell. */
  async applied(): Promise<readonly bigint[] | undefined> {
    const rows = await this.#sql<{ next: bigint }[]>`
      select next_offset as next from ledger.log_offsets where topic = 'vouchers' order by part`.catch(
      () => undefined,
    );
    return rows?.map(({ next }) => next);
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  async #owed(sql: Sql): Promise<ReadonlyMap<string, Units>> {
    const rows = await sql<{ id: string; units: Units }[]>`
      select encode(channel_id, 'hex') as id, cumulative_units as units from ledger.channels`;
    return new Map(rows.map(({ id, units }) => [id, units]));
  }

  #lost({ ackedUnits }: Told, owed: ReadonlyMap<string, Units>): Finding[] {
    return this.channels.flatMap(({ id }, no): Finding[] => {
      const told = ackedUnits[no] ?? 0n;
      const owes = owed.get(id);
      if (owes !== undefined && told <= owes) return [];
      const text = `channel ${id}: ${told} acknowledged, ${owes ?? 'nothing'} owed`;
      return [{ kind: 'lost', text }];
    });
  }

  #invented(sentUnits: readonly Units[], owed: ReadonlyMap<string, Units>): Finding[] {
    return this.channels.flatMap(({ id }, no): Finding[] => {
      const [claimed, owes] = [sentUnits[no] ?? 0n, owed.get(id) ?? 0n];
      if (owes <= claimed) return [];
      return [
        { kind: 'invented', text: `channel ${id}: ${owes} owed, ${claimed} claimed at most` },
      ];
    });
  }
}

async function ask(
  sql: postgres.TransactionSql<Types>,
  { kind, query }: Check,
  parameters: postgres.ParameterOrJSON<bigint>[] = [],
): Promise<Finding[]> {
  const rows = await sql.unsafe<{ text: string }[]>(
    `${query} limit ${FINDINGS_PER_CHECK_MAX}`,
    parameters,
  );
  return rows.map(({ text }) => ({ kind, text }));
}

async function nextLinks(sql: postgres.TransactionSql<Types>): Promise<bigint[]> {
  const rows = await sql<{ part: number; next: bigint }[]>`
    select part::int, max(flush_no) + 1 as next from ledger.flushes group by part`;
  const next = new Array<bigint>(PARTS).fill(0n);
  for (const row of rows) next[row.part + 1] = row.next;
  return next;
}

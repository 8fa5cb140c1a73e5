import type { Database } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { PAYOUT } from '../domain/states.js';

/** A payout that waits. */
export type WaitingPayout = {
  readonly withdrawalId: Buffer;
  readonly payoutNo: bigint;
  readonly asset: number;
  readonly destination: string;
  readonly units: bigint;
  readonly state: number;
  readonly failures: number;
  /** Its payee fetches it. */
  readonly toClaim: boolean;
  /** The most payees of its next batch; null: as many as any. */
  readonly batchMax: number | null;
};

/** A payout to be inserted. */
export type NewPayout = {
  readonly withdrawalId: Uint8Array;
  readonly asset: number;
  readonly account: string;
  readonly destination: string;
  readonly units: bigint;
  readonly state: number;
  readonly failure: string;
  readonly reportState: number;
  /** Why it waits longer than usual, for its owner. */
  readonly note: string;
  readonly requestedAtMs: bigint;
  /** Its payee fetches it. */
  readonly toClaim: boolean;
};

/** What the ledger has still to be told of a payout. */
export type Report = {
  readonly withdrawalId: Buffer;
  readonly payoutNo: bigint;
  readonly state: number;
  readonly txid: string;
  readonly failure: string;
  readonly note: string;
};

/** Rows of `settlement.payouts` outside batches. */
export class PayoutRepository {
  constructor(private readonly database: Database) {}

  /** Which of these withdrawals are known, as hex. */
  async known(ids: readonly Uint8Array[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const { sql } = this.database;
    const rows = await sql<{ id: Buffer }[]>`
      select withdrawal_id as id from settlement.payouts
      where withdrawal_id in ${sql(ids.map((id) => Buffer.from(id)))}`;
    return new Set(rows.map(({ id }) => id.toString('hex')));
  }

  /** Inserts a payout; one that exists stays as it is. */
  async insert(payout: NewPayout, nowMs: bigint): Promise<void> {
    const { sql } = this.database;
    await sql`
      insert into settlement.payouts ${sql({
        withdrawal_id: Buffer.from(payout.withdrawalId),
        asset: payout.asset,
        account: payout.account,
        destination: payout.destination,
        units: payout.units,
        state: payout.state,
        failure: payout.failure,
        report_state: payout.reportState,
        note: payout.note,
        requested_at_ms: payout.requestedAtMs,
        updated_at_ms: nowMs,
        to_claim: payout.toClaim,
      })} on conflict do nothing`;
  }

  /** Queued and planned payouts, oldest first. */
  waiting(limit: number): Promise<WaitingPayout[]> {
    return this.database.sql<WaitingPayout[]>`
      select withdrawal_id as "withdrawalId", payout_no as "payoutNo", asset, destination, units,
        state, failures, to_claim as "toClaim", batch_max as "batchMax"
      from settlement.payouts where state in (${PAYOUT.queued}, ${PAYOUT.planned})
      order by payout_no limit ${limit}`;
  }

  /** Takes a queued payout out of the queue; false when it was not queued any more. */
  async leaveQueue(
    withdrawalId: Uint8Array,
    to: {
      readonly state: number;
      readonly failure: string;
      readonly note: string;
      readonly nowMs: bigint;
    },
  ): Promise<boolean> {
    const planned = to.state === PAYOUT.planned;
    const done = await this.database.sql`
      update settlement.payouts
      set state = ${to.state}, failure = ${to.failure}, note = ${to.note}, updated_at_ms = ${to.nowMs},
        report_state = ${planned ? WITHDRAWAL_STATES.planned : this.database.sql`report_state`},
        reported_state = ${planned ? WITHDRAWAL_STATES.planned : this.database.sql`report_state`}
      where withdrawal_id = ${Buffer.from(withdrawalId)} and state = ${PAYOUT.queued}`;
    return done.count === 1;
  }

  /** States that the ledger has not been told yet, after a payout number. */
  unreported(after: bigint, limit: number): Promise<Report[]> {
    return this.database.sql<Report[]>`
      select withdrawal_id as "withdrawalId", payout_no as "payoutNo", report_state as state,
        report_txid as txid, failure, note
      from settlement.payouts
      where (report_state <> reported_state or note <> reported_note) and payout_no > ${after}
      order by payout_no limit ${limit}`;
  }

  /** Notes that the ledger knows these states now. */
  async reported(reports: readonly Report[]): Promise<void> {
    if (reports.length === 0) return;
    await this.database.sql`
      update settlement.payouts p
      set reported_state = told.state, reported_note = told.note
      from unnest(${reports.map(({ payoutNo }) => payoutNo.toString())}::bigint[],
        ${reports.map(({ state }) => state)}::smallint[],
        ${reports.map(({ note }) => note)}::text[]) as told(payout_no, state, note)
      where p.payout_no = told.payout_no`;
  }

  /** Number of payouts by state. */
  async counts(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.database.sql<{ state: number; count: bigint }[]>`
      select state, rows as count from settlement.state_counts where source = 'payouts'`;
    return new Map(rows.map(({ state, count }) => [state, Number(count)]));
  }
}

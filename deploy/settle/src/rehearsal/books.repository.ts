import { Database } from '#libs/database';

/** A withdrawal as ledger, journal and settlement have it; amounts in units. */
export type BookedPayout = {
  /** Hex. */
  readonly withdrawalId: string;
  /** Of `ledger.withdrawals`: 7 is paid for good. */
  readonly ledgerState: number;
  readonly ledgerTxid: string;
  /** Sums of its postings in the journal. */
  readonly withdrawn: bigint;
  readonly paid: bigint;
  readonly fee: bigint;
  readonly refunded: bigint;
  /** Of `settlement.payouts`: 4 is paid. */
  readonly payoutState: number | null;
  readonly payoutUnits: bigint | null;
  /** Lines of solidified batches that name it. */
  readonly lines: bigint;
};

/** Reads the stores of a rehearsal, as their owner. */
export class RehearsalRepository {
  readonly #database: Database;

  constructor(url: string) {
    this.#database = new Database({ url, applicationName: 'rehearsal', connectionsMax: 2 });
  }

  /** Every withdrawal there is. */
  payouts(): Promise<BookedPayout[]> {
    return this.#database.sql<BookedPayout[]>`
      with postings as (
        select reference, sum(units) filter (where kind = 9)::bigint as withdrawn,
          sum(units) filter (where kind = 10)::bigint as paid,
          sum(units) filter (where kind = 11)::bigint as fee,
          sum(units) filter (where kind = 12)::bigint as refunded
        from ledger.journal where kind between 9 and 12 group by reference
      ), lines as (
        select l.withdrawal_id, count(*) as count
        from settlement.batch_payouts l join settlement.batches b using (batch_no)
        where b.state = 5 group by l.withdrawal_id
      )
      select encode(w.withdrawal_id, 'hex') as "withdrawalId", w.state as "ledgerState",
        w.txid as "ledgerTxid", coalesce(j.withdrawn, 0) as withdrawn, coalesce(j.paid, 0) as paid,
        coalesce(j.fee, 0) as fee, coalesce(j.refunded, 0) as refunded, p.state as "payoutState",
        p.units as "payoutUnits", coalesce(l.count, 0) as lines
      from ledger.withdrawals w
      left join postings j on j.reference = w.withdrawal_id
      left join settlement.payouts p on p.withdrawal_id = w.withdrawal_id
      left join lines l on l.withdrawal_id = w.withdrawal_id`;
  }

  /** How many withdrawals are not finished. */
  async unfinished(): Promise<number> {
    const [row] = await this.#database.sql<{ count: bigint }[]>`
      select count(*) as count from ledger.withdrawals where state not in (7, 8, 9)`;
    return Number(row?.count ?? 0n);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

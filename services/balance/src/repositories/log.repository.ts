import type { Database, Transaction } from '#libs/database';
import type { Units } from '#libs/domain';
import { LEDGER_ACCOUNT_KINDS, POSTING_KINDS } from '../domain/posting.js';
import type { Claim } from '../voucher-log/claim.js';

const IDLE_MS_MAX = '5000';

/** Where in the journal a run of the log is booked. */
export type LogPosition = {
  readonly part: number;
  /** Offset of the first record applied in this transaction: the entry's number in the journal. */
  readonly entryNo: bigint;
  /** First free line of that entry. */
  readonly line: number;
  readonly atMs: bigint;
};

/** What became of one claim. */
export type ClaimApplied =
  /** Booked: canonical bytes of the posting, and the bundle that no longer carries the channel. */
  | {
      readonly outcome: 'raised';
      readonly units: Units;
      readonly posting: Buffer;
      readonly releasedBundleNo: bigint | null;
    }
  /** The channel owes as much already: nothing to do. */
  | { readonly outcome: 'covered' }
  /** It was acknowledged and cannot be honoured, which must never pass in silence. */
  | { readonly outcome: 'impossible'; readonly reason: string };

/** A channel closed by a finalize. */
export type ChannelFinalized = {
  readonly channelNo: bigint;
  readonly remainderUnits: Units;
  /** Canonical bytes of the posting; null when nothing was left to give back. */
  readonly posting: Buffer | null;
};

/** What the logs (vouchers, market matches) do to the tables, and the offsets that fence them. */
export class LogRepository {
  constructor(private readonly database: Database) {}

  /** The next offset to apply. */
  async nextOffset(topic: string, part: number): Promise<bigint> {
    const [row] = await this.database.sql<{ next: bigint }[]>`
      select next_offset as next from ledger.log_offsets where topic = ${topic} and part = ${part}`;
    if (row === undefined) throw new Error(`no offset is kept for ${topic} partition ${part}`);
    return row.next;
  }

  /**
   * Moves the next offset, if it still is what the caller thinks. False means that another process
   * has applied these records: nothing of this transaction may be committed.
   */
  async advance(
    tx: Transaction,
    topic: string,
    part: number,
    offsets: { expected: bigint; next: bigint },
  ): Promise<boolean> {
    const [, done] = await Promise.all([
      // A process that was stopped in here holds the partition: it is not waited for long.
      tx.sql`select set_config('idle_in_transaction_session_timeout', ${IDLE_MS_MAX}, true)`,
      tx.sql`update ledger.log_offsets set next_offset = ${offsets.next}
        where topic = ${topic} and part = ${part} and next_offset = ${offsets.expected}`,
    ]);
    return done.count === 1;
  }

  /** Applies one claim: the plain form, which the one in sets (flush.repository.ts) must equal. */
  async applyClaim(tx: Transaction, at: LogPosition, claim: Claim): Promise<ClaimApplied> {
    const [raised] = await tx.sql<
      { units: Units; posting: Buffer; releasedBundleNo: bigint | null }[]
    >`
      with raised as (
        update ledger.channels c set
          cumulative_units = ${claim.cumulativeUnits},
          claim_kind = ${claim.kind}, claim_detail = ${claim.detail}, claim_proof = ${claim.proof},
          tick_index = case when ${claim.kind} = 2 then ${claim.detail} else c.tick_index end,
          tick_preimage = case when ${claim.kind} = 2 then ${claim.proof}::bytea
            else c.tick_preimage end
        where c.part = ${at.part} and c.channel_no = ${claim.channelNo}
          and c.cumulative_units < ${claim.cumulativeUnits}
          and c.deposit_units >= ${claim.cumulativeUnits} and c.state in (1, 2)
        returning c.channel_no, c.payee_no, new.cumulative_units - old.cumulative_units as delta,
          case when old.claim_kind = 3 then old.claim_detail end as old_bundle
      ), booked as (
        insert into ledger.journal as j
          (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        select ${at.atMs}, ${at.part}, ${at.entryNo}, ${at.line}, ${POSTING_KINDS.payment},
          ${LEDGER_ACCOUNT_KINDS.channel}, channel_no,
          ${LEDGER_ACCOUNT_KINDS.available}, payee_no, delta
        from raised returning ledger.journal_bytes(j) as posting
      ), earned as (
        insert into ledger.balances as b (part, account_no, units)
        select ${at.part}, payee_no, delta from raised
        on conflict (part, account_no) do update set units = b.units + excluded.units
      )
      select delta as units, posting, old_bundle as "releasedBundleNo" from raised, booked`;
    if (raised !== undefined) return { outcome: 'raised', ...raised };
    const [channel] = await tx.sql<{ cumulative: Units; deposit: Units }[]>`
      select cumulative_units as cumulative, deposit_units as deposit
      from ledger.channels where part = ${at.part} and channel_no = ${claim.channelNo}`;
    if (channel === undefined)
      return { outcome: 'impossible', reason: 'the channel does not exist' };
    if (claim.cumulativeUnits <= channel.cumulative) return { outcome: 'covered' };
    const above = claim.cumulativeUnits > channel.deposit;
    return { outcome: 'impossible', reason: above ? 'above the deposit' : 'the channel is closed' };
  }

  /** Closes channels and gives the remainders back; a channel already closed is left alone. */
  async applyFinalized(
    tx: Transaction,
    at: LogPosition,
    channelNos: readonly bigint[],
  ): Promise<ChannelFinalized[]> {
    if (channelNos.length === 0) return [];
    return tx.sql<ChannelFinalized[]>`
      with closed as (
        update ledger.channels set state = 3
        where part = ${at.part} and state = 2
          and channel_no = any(${int8s(tx, channelNos)}::bigint[])
        returning channel_no, payer_no, deposit_units - cumulative_units as remainder
      ), booked as (
        insert into ledger.journal as j
          (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        select ${at.atMs}, ${at.part}, ${at.entryNo},
          ${at.line} + row_number() over (order by channel_no) - 1,
          ${POSTING_KINDS['channel-close']}, ${LEDGER_ACCOUNT_KINDS.channel}, channel_no,
          ${LEDGER_ACCOUNT_KINDS.available}, payer_no, remainder
        from closed where remainder > 0
        returning j.debit_no as channel_no, ledger.journal_bytes(j) as posting
      ), returned as (
        insert into ledger.balances as b (part, account_no, units)
        select ${at.part}, payer_no, sum(remainder)::bigint from closed
        where remainder > 0 group by payer_no
        on conflict (part, account_no) do update set units = b.units + excluded.units
      )
      select closed.channel_no as "channelNo", remainder as "remainderUnits", posting
      from closed left join booked on booked.channel_no = closed.channel_no
      order by closed.channel_no`;
  }

  /** SHA-256 over the canonical bytes of what a flush has booked so far, read back from the journal. */
  async postingsHash(tx: Transaction, at: LogPosition): Promise<Buffer> {
    const [row] = await tx.sql<{ hash: Buffer }[]>`
      select sha256(coalesce(
        string_agg(ledger.journal_bytes(j), ''::bytea order by j.line), ''::bytea
      )) as hash
      from ledger.journal j
      where j.at_ms = ${at.atMs} and j.part = ${at.part} and j.entry_no = ${at.entryNo}`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    return row.hash;
  }

  /** Keeps what could not be applied, with where it came from. */
  async quarantine(
    tx: Transaction,
    item: {
      topic: string;
      part: number;
      offset: bigint;
      line: number;
      reason: string;
      content: Buffer;
      atMs: bigint;
    },
  ): Promise<void> {
    await tx.sql`insert into ledger.quarantine
      (topic, part, log_offset, line, reason, content, at_ms)
      values (${item.topic}, ${item.part}, ${item.offset}, ${item.line}, ${item.reason},
        ${item.content}, ${item.atMs})`;
  }
}

function int8s(tx: Transaction, values: readonly bigint[]) {
  return tx.sql.array([...values], 1016);
}

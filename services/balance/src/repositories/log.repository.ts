import type { LogEntry } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { toHex, type Units } from '#libs/domain';
import { LEDGER_ACCOUNT_KINDS, POSTING_KINDS } from '../domain/posting.js';

/** Where in the journal a run of the log is booked. */
export type LogPosition = {
  readonly part: number;
  /** Offset of the first record applied in this transaction: the entry's number in the journal. */
  readonly entryNo: bigint;
  /** First free line of that entry. */
  readonly line: number;
  readonly atMs: bigint;
};

/** What applying claims did. */
export type ClaimsApplied = {
  readonly channels: number;
  readonly units: Units;
  /** Claims that were acknowledged but cannot be booked: they belong into quarantine. */
  readonly impossible: { readonly entry: LogEntry; readonly reason: string }[];
};

/** A channel closed by a finalize. */
export type ChannelFinalized = { readonly channelNo: bigint; readonly remainderUnits: Units };

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
    const done = await tx.sql`update ledger.log_offsets set next_offset = ${offsets.next}
      where topic = ${topic} and part = ${part} and next_offset = ${offsets.expected}`;
    return done.count === 1;
  }

  /** Raises channels to their claims, credits the payees and writes the journal, in one statement. */
  async applyClaims(
    tx: Transaction,
    at: LogPosition,
    claims: readonly LogEntry[],
  ): Promise<ClaimsApplied> {
    if (claims.length === 0) return { channels: 0, units: 0n, impossible: [] };
    const raised = await tx.sql<{ channelNo: bigint; delta: Units }[]>`
      with claim as (
        select channel_no, cumulative, kind, detail, decode(proof, 'hex') as proof
        from unnest(
          ${int8s(
            tx,
            claims.map((c) => c.channelNo),
          )}::bigint[],
          ${int8s(
            tx,
            claims.map((c) => c.cumulativeUnits),
          )}::bigint[],
          ${claims.map((c) => (c.kind === 'tick' ? 2 : 1))}::smallint[],
          ${int8s(
            tx,
            claims.map((c) => c.detail),
          )}::bigint[],
          ${claims.map((c) => toHex(c.proof))}::text[]
        ) as t(channel_no, cumulative, kind, detail, proof)
      ), raised as (
        update ledger.channels c set
          cumulative_units = claim.cumulative,
          claim_kind = claim.kind, claim_detail = claim.detail, claim_proof = claim.proof,
          tick_index = case when claim.kind = 2 then claim.detail else c.tick_index end,
          tick_preimage = case when claim.kind = 2 then claim.proof else c.tick_preimage end
        from claim
        where c.part = ${at.part} and c.channel_no = claim.channel_no
          and claim.cumulative > c.cumulative_units and claim.cumulative <= c.deposit_units
          and c.state in (1, 2)
        returning c.channel_no, c.payee_no, new.cumulative_units - old.cumulative_units as delta
      ), booked as (
        insert into ledger.journal
          (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        select ${at.atMs}, ${at.part}, ${at.entryNo},
          ${at.line} + row_number() over (order by channel_no) - 1, ${POSTING_KINDS.payment},
          ${LEDGER_ACCOUNT_KINDS.channel}, channel_no,
          ${LEDGER_ACCOUNT_KINDS.available}, payee_no, delta
        from raised
      ), earned as (
        insert into ledger.balances as b (part, account_no, units)
        select ${at.part}, payee_no, sum(delta)::bigint from raised group by payee_no
        on conflict (part, account_no) do update set units = b.units + excluded.units
      )
      select channel_no as "channelNo", delta from raised`;
    const done = new Set(raised.map((row) => row.channelNo));
    const rest = claims.filter((claim) => !done.has(claim.channelNo));
    return {
      channels: raised.length,
      units: raised.reduce((sum, row) => sum + row.delta, 0n),
      impossible: await this.#impossible(tx, at.part, rest),
    };
  }

  // A claim that raised nothing is fine when the channel already owes as much; else it was
  // acknowledged and cannot be honoured, which must never pass in silence.
  async #impossible(tx: Transaction, part: number, claims: readonly LogEntry[]) {
    if (claims.length === 0) return [];
    const rows = await tx.sql<{ channelNo: bigint; cumulative: Units; deposit: Units }[]>`
      select channel_no as "channelNo", cumulative_units as cumulative, deposit_units as deposit
      from ledger.channels
      where part = ${part} and channel_no = any(${int8s(
        tx,
        claims.map((c) => c.channelNo),
      )}::bigint[])`;
    const stored = new Map(rows.map((row) => [row.channelNo, row]));
    return claims.flatMap((entry) => {
      const channel = stored.get(entry.channelNo);
      if (channel === undefined) return [{ entry, reason: 'the channel does not exist' }];
      if (entry.cumulativeUnits <= channel.cumulative) return [];
      const above = entry.cumulativeUnits > channel.deposit;
      return [{ entry, reason: above ? 'above the deposit' : 'the channel is closed' }];
    });
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
        insert into ledger.journal
          (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        select ${at.atMs}, ${at.part}, ${at.entryNo},
          ${at.line} + row_number() over (order by channel_no) - 1,
          ${POSTING_KINDS['channel-close']}, ${LEDGER_ACCOUNT_KINDS.channel}, channel_no,
          ${LEDGER_ACCOUNT_KINDS.available}, payer_no, remainder
        from closed where remainder > 0
      ), returned as (
        insert into ledger.balances as b (part, account_no, units)
        select ${at.part}, payer_no, sum(remainder)::bigint from closed
        where remainder > 0 group by payer_no
        on conflict (part, account_no) do update set units = b.units + excluded.units
      )
      select channel_no as "channelNo", remainder as "remainderUnits" from closed`;
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

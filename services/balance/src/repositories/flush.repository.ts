import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Transaction } from '#libs/database';
import type { Units } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import { LEDGER_ACCOUNT_KINDS, POSTING_KINDS } from '../domain/posting.js';
import type { FlushColumns } from '../voucher-log/flush-columns.js';
import { claimRows } from './claim-copy.js';
import type { LogPosition } from './log.repository.js';

/** What a merge did. */
export type Merged = {
  readonly channels: number;
  readonly units: Units;
  /** The canonical bytes of the postings or their SHA-256, as asked for. */
  readonly postings: Buffer;
  /** Bundles that claims rest on now: number and how many. */
  readonly bundles: ReadonlyMap<bigint, number>;
};

type MergedRow = {
  readonly channels: number;
  readonly units: Units;
  readonly postings: Buffer;
  readonly bundleNos: bigint[] | null;
  readonly bundleChannels: number[] | null;
};

const PIECE_BYTES = 1024 * 1024;
const { channel, available } = LEDGER_ACCOUNT_KINDS;

/** Application of the voucher log in sets: one COPY and one statement for a run of any length. */
export class FlushRepository {
  /** Makes the table that claims are copied into, which belongs to the connection, and empties it. */
  async prepare(tx: Transaction): Promise<void> {
    await Promise.all([
      tx.sql`create temporary table if not exists claims (
        channel_no bigint not null, cumulative_units bigint not null, kind smallint not null,
        detail bigint not null, proof bytea, tick_units bigint, tick_index bigint, tick_preimage bytea
      ) on commit delete rows`,
      // Claims come by channel number: each is looked up, whatever the planner thinks of their number.
      tx.sql`select set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true)`,
    ]);
  }

  /** Copies the claims of a run in. */
  async copy(tx: Transaction, columns: FlushColumns): Promise<void> {
    const rows = claimRows(columns);
    const pieces = Array.from({ length: Math.ceil(rows.length / PIECE_BYTES) }, (_, at) =>
      rows.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
    );
    const target = await tx.sql`copy pg_temp.claims from stdin (format binary)`.writable();
    await pipeline(Readable.from(pieces), target);
    failPoint('balance.after-copy');
  }

  /** Takes out what was copied, before another run of the same flush. */
  async empty(tx: Transaction): Promise<void> {
    await tx.sql`truncate pg_temp.claims`;
  }

  /**
   * Raises channels to the claims copied, credits the payees, writes the journal and lets go of bundles,
   * in one statement. The tables are named by their partition: nothing is left to be pruned.
   */
  async merge(tx: Transaction, at: LogPosition, want: 'bytes' | 'hash'): Promise<Merged> {
    const { sql } = tx;
    const channels = sql(`ledger.channels_p${at.part}`);
    const balances = sql(`ledger.balances_p${at.part}`);
    const bytes = sql`coalesce(string_agg(
      ${postingPrefix(at)}::bytea || int4send(line) || ${DEBIT}::bytea || int8send(channel_no)
        || ${CREDIT}::bytea || int8send(payee_no) || int8send(delta), ''::bytea order by line
    ), ''::bytea)`;
    const [row] = await sql<MergedRow[]>`
      with raised as (
        update ${channels} c set
          cumulative_units = l.cumulative_units,
          claim_kind = l.kind, claim_detail = l.detail, claim_proof = l.proof,
          tick_index = case when l.kind = 2 then l.detail
            when l.tick_units > c.cumulative_units then l.tick_index else c.tick_index end,
          tick_preimage = case when l.kind = 2 then l.proof
            when l.tick_units > c.cumulative_units then l.tick_preimage else c.tick_preimage end
        from pg_temp.claims l
        where c.part = ${at.part} and c.channel_no = l.channel_no
          and l.cumulative_units > c.cumulative_units and l.cumulative_units <= c.deposit_units
          and c.state in (1, 2)
        returning c.channel_no, c.payee_no, new.cumulative_units - old.cumulative_units as delta,
          case when old.claim_kind = 3 then old.claim_detail end as old_bundle,
          case when new.claim_kind = 3 then new.claim_detail end as new_bundle
      ), numbered as materialized (
        select ${at.line}::int + row_number() over (order by channel_no)::int - 1 as line, raised.*
        from raised
      ), booked as (
        insert into ledger.journal
          (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        select ${at.atMs}, ${at.part}, ${at.entryNo}, line, ${POSTING_KINDS.payment},
          ${channel}, channel_no, ${available}, payee_no, delta
        from numbered
      ), earned as (
        insert into ${balances} as b (part, account_no, units)
        select ${at.part}, payee_no, sum(delta)::bigint from numbered group by payee_no
        on conflict (part, account_no) do update set units = b.units + excluded.units
      ), released as (
        select old_bundle as bundle_no, count(*)::int as channels from numbered
        where old_bundle is not null group by old_bundle
      ), gone as (
        delete from ledger.bundles b using released r
        where b.part = ${at.part} and b.bundle_no = r.bundle_no and b.channels <= r.channels
      ), left_over as (
        update ledger.bundles b set channels = b.channels - r.channels from released r
        where b.part = ${at.part} and b.bundle_no = r.bundle_no and b.channels > r.channels
      ), kept as (
        select new_bundle as bundle_no, count(*)::int as channels from numbered
        where new_bundle is not null group by new_bundle
      )
      select count(*)::int as channels, coalesce(sum(delta), 0)::bigint as units,
        ${want === 'hash' ? sql`sha256(${bytes})` : bytes} as postings,
        (select array_agg(bundle_no order by bundle_no) from kept) as "bundleNos",
        (select array_agg(channels order by bundle_no) from kept) as "bundleChannels"
      from numbered`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    failPoint('balance.after-merge');
    const { bundleNos, bundleChannels, ...merged } = row;
    const bundles = new Map(
      (bundleNos ?? []).map((no, place) => [no, bundleChannels?.[place] ?? 0]),
    );
    return { ...merged, bundles };
  }

  /** Channels whose claim, copied, is above what they owe after the merge: it could not be booked. */
  async unbooked(tx: Transaction, part: number): Promise<bigint[]> {
    const rows = await tx.sql<{ channelNo: bigint }[]>`
      select l.channel_no as "channelNo"
      from pg_temp.claims l left join ${tx.sql(`ledger.channels_p${part}`)} c
        on c.part = ${part} and c.channel_no = l.channel_no
      where c.channel_no is null or l.cumulative_units > c.cumulative_units`;
    return rows.map(({ channelNo }) => channelNo);
  }
}

// The parts of a posting's canonical bytes (ledger.journal_bytes) that are the same for all of a run.
const DEBIT = kinds(POSTING_KINDS.payment, channel);
const CREDIT = kinds(available);

function kinds(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2);
  numbers.forEach((number, at) => {
    bytes.writeInt16BE(number, at * 2);
  });
  return bytes;
}

function postingPrefix(at: LogPosition): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigInt64BE(at.atMs, 0);
  bytes.writeInt16BE(at.part, 8);
  bytes.writeBigInt64BE(at.entryNo, 10);
  return bytes;
}

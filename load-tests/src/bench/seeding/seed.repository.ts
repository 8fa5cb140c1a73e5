import type { Database, TransactionSql } from '#libs/database';
import { addressFromBytes, partitionOf } from '#libs/domain';
import { derive, payeeOfChannel, payeesOf, payerOfGroup, payersOf } from '../corpus/accounts.js';
import { CHANNEL_RECORD } from '../corpus/channels.js';
import type { CorpusFolder } from '../corpus/corpus-folder.js';
import { type CorpusPlan, channelAt, DEPOSIT_UNITS, LOG_PARTITIONS } from '../corpus/plan.js';
import { copyRows } from './copy.js';

/** Where the seeded rows are. */
export type Seeded = {
  /** `channel_no` of the corpus's channel 0; the others follow in order. */
  readonly firstChannelNo: bigint;
};

/** Postings of one operation: few operations, and none too large to be hashed in one go. */
const OPERATION_LINES = 50_000;
const FILLERS = [0xf1, 0xf2].map((byte) => addressFromBytes(new Uint8Array(20).fill(byte))) as [
  string,
  string,
];
/** BTTOLD, of which one base unit is one unit of the ledger. */
const ASSET_NO = 2;

/**
 * Puts accounts, deposits and open channels into the books in bulk, as the owner of the database: what
 * the services would have booked one by one, with the same postings, so that the books still balance.
 */
export class SeedRepository {
  constructor(private readonly database: Database) {}

  /** Seeds a corpus in one transaction. Its accounts must not have been seeded before. */
  async seed(corpus: CorpusFolder, nowMs: bigint): Promise<Seeded> {
    const { plan } = corpus;
    return await this.database.transaction(async ({ sql }) => {
      await sql`set local statement_timeout = 0`;
      await sql`select ledger.ensure_journal_partitions(${nowMs}, 2)`;
      await this.#accounts(sql, plan, nowMs);
      await this.#stage(sql, corpus);
      const channels = BigInt(plan.channels);
      const firstChannelNo = await reserve(sql, 'ledger.channel_numbers', channels);
      await sql`
        insert into ledger.channels (part, channel_no, channel_id, terms_hash, payer_no, payee_no,
          deposit_units, opened_at_ms, tick_chain_end, tick_value_units, ticks_max)
        select s.part, ${firstChannelNo}::bigint + s.channel, s.channel_id, s.terms_hash,
          payer.account_no, payee.account_no, ${DEPOSIT_UNITS}::bigint, ${nowMs}::bigint,
          case when s.ticks_max > 0 then s.chain_end end,
          case when s.ticks_max > 0 then 1 end, nullif(s.ticks_max, 0)
        from seed_channels s
        join seed_parties p on p.kind = 'payer' and p.number = s.payer
        join ledger.accounts payer on payer.address = p.address
        join seed_parties q on q.kind = 'payee' and q.number = s.payee
        join ledger.accounts payee on payee.address = q.address
        order by s.channel`;
      await this.#deposits(sql, plan, { firstChannelNo, nowMs });
      await this.#openings(sql, { firstChannelNo, channels, nowMs });
      return { firstChannelNo };
    });
  }

  /**
   * Makes the journal longer by transfers to and fro between two accounts ({@link ensureFillers}), which
   * leave every balance as it was. `postings` is rounded up to an even number.
   */
  async lengthenJournal(postings: number, nowMs: bigint): Promise<void> {
    await this.database.transaction(async ({ sql }) => {
      await sql`set local statement_timeout = 0`;
      const count = BigInt(postings + (postings % 2));
      const firstEntry = await this.#operations(sql, count, nowMs);
      await sql`insert into ledger.journal (at_ms, part, entry_no, line, kind,
          debit_kind, debit_no, credit_kind, credit_no, units)
        select ${nowMs}::bigint, -1, ${firstEntry}::bigint + place / ${OPERATION_LINES},
          (place % ${OPERATION_LINES})::integer, 2,
          1, case place % 2 when 0 then a.low else a.high end,
          1, case place % 2 when 0 then a.high else a.low end, 1
        from generate_series(0, ${count - 1n}::bigint) place,
          (select min(account_no) as low, max(account_no) as high from ledger.accounts
            where address in (${FILLERS[0]}, ${FILLERS[1]})) a`;
    });
  }

  /** Makes two accounts that nobody owns, for {@link lengthenJournal} to post between. */
  async ensureFillers(nowMs: bigint): Promise<void> {
    await this.database.sql`insert into ledger.accounts (address, created_at_ms)
      select address, ${nowMs}::bigint from (values (${FILLERS[0]}), (${FILLERS[1]})) filler(address)
      on conflict do nothing`;
  }

  /** Rows of the journal. */
  async journalRows(): Promise<number> {
    const [row] = await this.database.sql<
      { count: bigint }[]
    >`select count(*) as count from ledger.journal`;
    return Number(row?.count ?? 0n);
  }

  /** Operations that are not in the hash chain yet. */
  async unsealed(): Promise<number> {
    const [row] = await this.database.sql<{ count: bigint }[]>`
      select count(*) as count from ledger.unsealed_operations`;
    return Number(row?.count ?? 0n);
  }

  /**
   * Does at once what the server would do some time after so many new rows, in the middle of the
   * measurement: statistics for the planner, vacuum, and a checkpoint.
   */
  async settle(): Promise<void> {
    const session = await this.database.sql.reserve();
    try {
      await session`set statement_timeout = 0`;
      await session`vacuum (analyze) ledger.accounts, ledger.channels, ledger.balances, ledger.journal`;
      // A server of somebody else's may not let us.
      await session`checkpoint`.catch(() => undefined);
    } finally {
      await session`reset statement_timeout`;
      session.release();
    }
  }

  async #accounts(sql: TransactionSql, plan: CorpusPlan, nowMs: bigint): Promise<void> {
    await sql`create temp table seed_parties (kind text, number integer, address text, public_key bytea)
      on commit drop`;
    const parties = [
      ...payersOf(plan).map((party, number) => ({ kind: 'payer', number, ...party })),
      ...payeesOf(plan).map((party, number) => ({ kind: 'payee', number, ...party })),
    ];
    await copyRows(
      await sql`copy seed_parties from stdin`.writable(),
      parties.map((each) => [each.kind, each.number, each.address, bytea(each.publicKey)]),
    );
    await sql`insert into ledger.accounts (address, public_key, created_at_ms)
      select address, public_key, ${nowMs}::bigint from seed_parties order by kind desc, number`;
  }

  async #stage(sql: TransactionSql, corpus: CorpusFolder): Promise<void> {
    await sql`create temp table seed_channels (channel integer, part smallint, channel_id bytea,
      terms_hash bytea, payer integer, payee integer, chain_end bytea, ticks_max bigint) on commit drop`;
    await copyRows(await sql`copy seed_channels from stdin`.writable(), channelRows(corpus));
    await sql`analyze seed_parties, seed_channels`;
  }

  // One deposit from the chain for each payer, all of it locked at once: the home rows end at 0.
  async #deposits(
    sql: TransactionSql,
    plan: CorpusPlan,
    at: { firstChannelNo: bigint; nowMs: bigint },
  ): Promise<void> {
    const { firstChannelNo, nowMs } = at;
    await sql`create temp table seed_deposits on commit drop as
      select payer_no, sum(deposit_units)::bigint as units,
        sha256(${derive(plan, 'deposits', String(firstChannelNo))}::bytea || int8send(payer_no)) as txid,
        row_number() over (order by payer_no) - 1 as place
      from ledger.channels where channel_no >= ${firstChannelNo} group by payer_no`;
    const firstEntry = await this.#operations(sql, BigInt(plan.payers), nowMs);
    await sql`insert into ledger.deposits
        (txid, index, asset, account_no, units, block_number, credited_at_ms)
      select txid, 0, ${ASSET_NO}, payer_no, units, 1, ${nowMs}::bigint from seed_deposits`;
    await sql`insert into ledger.journal (at_ms, part, entry_no, line, kind,
        debit_kind, debit_no, credit_kind, credit_no, units, reference)
      select ${nowMs}::bigint, -1, ${firstEntry}::bigint + place / ${OPERATION_LINES},
        (place % ${OPERATION_LINES})::integer, 1, 6, ${ASSET_NO}, 1, payer_no, units, txid
      from seed_deposits`;
    await sql`insert into ledger.balances (part, account_no, units) select -1, payer_no, 0 from seed_deposits`;
    await sql`update ledger.system_balances
      set units = units + (select sum(units)::bigint from seed_deposits)
      where kind = 6 and no = ${ASSET_NO}`;
  }

  async #openings(
    sql: TransactionSql,
    at: { firstChannelNo: bigint; channels: bigint; nowMs: bigint },
  ): Promise<void> {
    const firstEntry = await this.#operations(sql, at.channels, at.nowMs);
    await sql`insert into ledger.journal (at_ms, part, entry_no, line, kind,
        debit_kind, debit_no, credit_kind, credit_no, units, reference)
      select ${at.nowMs}::bigint, -1, ${firstEntry}::bigint + place / ${OPERATION_LINES},
        (place % ${OPERATION_LINES})::integer, 4, 1, payer_no, 2, channel_no, deposit_units, channel_id
      from (select *, channel_no - ${at.firstChannelNo}::bigint as place from ledger.channels
        where channel_no >= ${at.firstChannelNo}) opened`;
  }

  // Numbers for the operations of so many postings, which wait to be sealed like any others.
  async #operations(sql: TransactionSql, postings: bigint, nowMs: bigint): Promise<bigint> {
    const count = (postings + BigInt(OPERATION_LINES) - 1n) / BigInt(OPERATION_LINES);
    const first = await reserve(sql, 'ledger.operation_numbers', count);
    await sql`insert into ledger.unsealed_operations (operation_no, at_ms)
      select ${first}::bigint + place, ${nowMs}::bigint from generate_series(0, ${count - 1n}::bigint) place`;
    return first;
  }
}

/** Takes numbers from a sequence; returns the first. */
async function reserve(sql: TransactionSql, sequence: string, count: bigint): Promise<bigint> {
  const [row] = await sql<{ first: bigint }[]>`select nextval(${sequence}::regclass) as first`;
  if (row === undefined) throw new Error('a sequence returned no number');
  await sql`select setval(${sequence}::regclass, ${row.first + count - 1n}::bigint)`;
  return row.first;
}

function* channelRows(corpus: CorpusFolder): Generator<(string | number)[]> {
  const { plan } = corpus;
  for (let stream = 0; stream < plan.streams; stream++) {
    const records = corpus.records(stream);
    for (let at = 0, handle = 0; at < records.length; at += CHANNEL_RECORD.bytes, handle++) {
      const channel = channelAt(plan, stream, handle);
      const id = records.subarray(at, at + 32);
      yield [
        channel,
        partitionOf(id, LOG_PARTITIONS),
        bytea(id),
        bytea(records.subarray(at + CHANNEL_RECORD.termsHash, at + CHANNEL_RECORD.chainEnd)),
        payerOfGroup(plan, Math.floor(channel / plan.groupChannels)),
        payeeOfChannel(plan, channel),
        bytea(records.subarray(at + CHANNEL_RECORD.chainEnd, at + CHANNEL_RECORD.ticksMax)),
        records.readUInt32BE(at + CHANNEL_RECORD.ticksMax),
      ];
    }
  }
}

// The text form of COPY wants the backslash of a hex bytea doubled.
function bytea(bytes: Uint8Array): string {
  return `\\\\x${Buffer.from(bytes).toString('hex')}`;
}

import { type Database, type Sql, type Transaction, type TransactionSql } from '#libs/database';
import type { Address, Units } from '#libs/domain';
import { partitionOf } from '#libs/domain';

/** A channel with the addresses of its two ends. */
export type StoredChannel = {
  readonly part: number;
  readonly channelNo: bigint;
  readonly channelId: Buffer;
  readonly termsHash: Buffer;
  readonly payerNo: bigint;
  readonly payeeNo: bigint;
  readonly payer: Address;
  readonly payee: Address;
  readonly payerKey: Buffer | null;
  readonly payeeKey: Buffer | null;
  /** Who signs the channel's payments, and its public key: the payer or a session key of the payer. */
  readonly signer: Address;
  readonly signerKey: Buffer | null;
  readonly depositUnits: Units;
  readonly cumulativeUnits: Units;
  /** 1 open, 2 closing, 3 closed. */
  readonly state: 1 | 2 | 3;
  readonly openedAtMs: bigint;
  readonly closesAtMs: bigint | null;
  readonly tickChainEnd: Buffer | null;
  readonly tickValueUnits: Units | null;
  readonly ticksMax: bigint | null;
  readonly tickBaseUnits: Units;
  readonly tickIndex: bigint;
  readonly tickPreimage: Buffer | null;
  readonly matchId: Buffer | null;
};

/** What is needed to insert a channel. */
export type NewChannel = {
  readonly channelId: Uint8Array;
  readonly termsHash: Uint8Array;
  readonly payerNo: bigint;
  readonly payeeNo: bigint;
  readonly depositUnits: Units;
  readonly openedAtMs: bigint;
  readonly ticks?:
    | { readonly chainEnd: Uint8Array; readonly tickValueUnits: Units; readonly ticksMax: bigint }
    | undefined;
  readonly matchId?: Uint8Array | undefined;
  /** The session key that signs its payments; without it the payer's own key does. */
  readonly sessionKeyNo?: bigint | undefined;
};

/** Rows of `ledger.channels`, other than what the voucher log does to them (see log.repository.ts). */
export class ChannelRepository {
  constructor(
    private readonly database: Database,
    private readonly partitions: number,
  ) {}

  async find(channelId: Uint8Array): Promise<StoredChannel | undefined> {
    const part = partitionOf(channelId, this.partitions);
    const { sql } = this.database;
    const [row] = await sql<StoredChannel[]>`${select(sql)}
      where c.part = ${part} and c.channel_id = ${Buffer.from(channelId)}`;
    return row;
  }

  /** Those of many channels that exist, each id looked up in its own partition. */
  async findMany(channelIds: readonly Buffer[]): Promise<StoredChannel[]> {
    const byPart = Map.groupBy(channelIds, (id) => partitionOf(id, this.partitions));
    const { sql } = this.database;
    const found = await Promise.all(
      [...byPart].map(
        ([part, ids]) => sql<StoredChannel[]>`${select(sql)}
          where c.part = ${part} and c.channel_id = any(${sql.array(ids, 1001)}::bytea[])`,
      ),
    );
    return found.flat();
  }

  /** The channel with its row locked until the transaction ends. */
  async lock(tx: Transaction, channelId: Uint8Array): Promise<StoredChannel | undefined> {
    const part = partitionOf(channelId, this.partitions);
    const [row] = await tx.sql<StoredChannel[]>`${select(tx.sql)}
      where c.part = ${part} and c.channel_id = ${Buffer.from(channelId)} for update of c`;
    return row;
  }

  /** Channels of a partition by number, in a transaction. */
  byNumbers(tx: Transaction, part: number, numbers: readonly bigint[]): Promise<StoredChannel[]> {
    return tx.sql<StoredChannel[]>`${select(tx.sql)}
      where c.part = ${part} and c.channel_no = any(${tx.sql.array([...numbers], 1016)}::bigint[])`;
  }

  /** Channels of an account, newest first, older than a number. */
  list(accountNo: bigint, before: bigint | undefined, limit: number): Promise<StoredChannel[]> {
    const { sql } = this.database;
    const older = before === undefined ? sql`` : sql`and c.channel_no < ${before}`;
    return sql<StoredChannel[]>`${select(sql)}
      where (c.payer_no = ${accountNo} or c.payee_no = ${accountNo}) ${older}
      order by c.channel_no desc limit ${limit}`;
  }

  /** Inserts a channel; the caller has made sure that its id is new. */
  async insert(tx: Transaction, channel: NewChannel): Promise<StoredChannel> {
    const part = partitionOf(channel.channelId, this.partitions);
    const [next] = await tx.sql<{ no: bigint }[]>`select nextval('ledger.channel_numbers') as no`;
    if (next === undefined) throw new Error('a sequence returned no number');
    await tx.sql`insert into ledger.channels ${tx.sql({
      part,
      channel_no: next.no,
      channel_id: Buffer.from(channel.channelId),
      terms_hash: Buffer.from(channel.termsHash),
      payer_no: channel.payerNo,
      payee_no: channel.payeeNo,
      deposit_units: channel.depositUnits,
      opened_at_ms: channel.openedAtMs,
      tick_chain_end: bufferOrNull(channel.ticks?.chainEnd),
      tick_value_units: channel.ticks?.tickValueUnits ?? null,
      ticks_max: channel.ticks?.ticksMax ?? null,
      tick_preimage: bufferOrNull(channel.ticks?.chainEnd),
      match_id: bufferOrNull(channel.matchId),
      session_key_no: channel.sessionKeyNo ?? null,
    })}`;
    const stored = await this.lock(tx, channel.channelId);
    if (stored === undefined) throw new Error('a channel just inserted is not there');
    return stored;
  }

  /** Marks a channel as closing; a new time must be published before it counts. */
  async markClosing(tx: Transaction, channel: StoredChannel, closesAtMs: bigint): Promise<void> {
    await tx.sql`update ledger.channels
      set state = 2, closes_at_ms = ${closesAtMs}, closing_published_at_ms = null
      where part = ${channel.part} and channel_no = ${channel.channelNo}`;
  }

  /** Notes that the log's readers have been told that these channels of a partition close. */
  async markClosingPublished(
    tx: Transaction,
    part: number,
    channelNos: readonly bigint[],
    nowMs: bigint,
  ): Promise<void> {
    await tx.sql`update ledger.channels set closing_published_at_ms = ${nowMs}
      where part = ${part} and state = 2
        and channel_no = any(${tx.sql.array([...channelNos], 1016)}::bigint[])`;
  }

  /**
   * Takes channels whose vouchers have stopped for good: closing was published and is over since
   * `settledBeforeMs`. A channel taken is not taken again before `retryBeforeMs` has passed it.
   */
  takeFinalizable(
    tx: Transaction,
    times: { nowMs: bigint; settledBeforeMs: bigint; retryBeforeMs: bigint },
    limit: number,
  ): Promise<{ part: number; channelNo: bigint }[]> {
    return tx.sql<{ part: number; channelNo: bigint }[]>`
      update ledger.channels c set finalize_sent_at_ms = ${times.nowMs}
      from (
        select part, channel_no from ledger.channels
        where state = 2 and closes_at_ms < ${times.settledBeforeMs}
          and closing_published_at_ms < ${times.settledBeforeMs}
          and coalesce(finalize_sent_at_ms, 0) < ${times.retryBeforeMs}
        order by closes_at_ms limit ${limit} for update skip locked
      ) due
      where c.part = due.part and c.channel_no = due.channel_no
      returning c.part, c.channel_no as "channelNo"`;
  }
}

function bufferOrNull(bytes: Uint8Array | undefined): Buffer | null {
  return bytes === undefined ? null : Buffer.from(bytes);
}

function select(sql: Sql | TransactionSql) {
  return sql`
    select c.part, c.channel_no as "channelNo", c.channel_id as "channelId",
      c.terms_hash as "termsHash", c.payer_no as "payerNo", c.payee_no as "payeeNo",
      payer.address as payer, payee.address as payee,
      payer.public_key as "payerKey", payee.public_key as "payeeKey",
      coalesce(session.address, payer.address) as signer,
      coalesce(session.public_key, payer.public_key) as "signerKey",
      c.deposit_units as "depositUnits", c.cumulative_units as "cumulativeUnits", c.state,
      c.opened_at_ms as "openedAtMs", c.closes_at_ms as "closesAtMs",
      c.tick_chain_end as "tickChainEnd", c.tick_value_units as "tickValueUnits",
      c.ticks_max as "ticksMax", c.tick_base_units as "tickBaseUnits", c.tick_index as "tickIndex",
      c.tick_preimage as "tickPreimage", c.match_id as "matchId"
    from ledger.channels c
    join ledger.accounts payer on payer.account_no = c.payer_no
    join ledger.accounts payee on payee.account_no = c.payee_no
    left join ledger.session_keys session on session.session_key_no = c.session_key_no`;
}

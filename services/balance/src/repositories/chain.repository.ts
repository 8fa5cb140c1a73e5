import type { Sql, Transaction, TransactionSql } from '#libs/database';
import type { Units } from '#libs/domain';
import type { ChainLink, ChainTotals } from '../domain/flush-chain.js';

/** Postings of one kind among operations. */
export type OperationSum = {
  readonly kind: number;
  readonly debitKind: number;
  readonly creditKind: number;
  /** Of a posting that has the reserve on one side. */
  readonly asset: number | null;
  readonly postings: bigint;
  readonly units: Units;
};

type StoredLink = Omit<ChainLink, 'totals'> & {
  readonly totalPostings: bigint;
  readonly totalOpened: bigint;
  readonly totalClosed: bigint;
  readonly netUnits: bigint[];
  readonly depositedUnits: bigint[];
  readonly withdrawnUnits: bigint[];
};

/** Rows of `ledger.flushes`, and the operations that wait to be sealed. */
export class ChainRepository {
  /** The newest link of a part. The caller holds the lock of the part: nobody else appends. */
  async head(sql: Sql | TransactionSql, part: number): Promise<ChainLink> {
    const [link] = await this.#newest(sql, [part]);
    if (link === undefined) throw new Error(`the chain of part ${part} has no beginning`);
    return link;
  }

  /** The newest links of all parts. */
  async heads(sql: Sql | TransactionSql): Promise<ChainLink[]> {
    return this.#newest(sql, [-1, 0, 1, 2, 3, 4, 5, 6, 7]);
  }

  async #newest(sql: Sql | TransactionSql, parts: readonly number[]): Promise<ChainLink[]> {
    const rows = await sql<StoredLink[]>`
      select f.part, f.flush_no as "flushNo", f.first_offset as "firstOffset",
        f.next_offset as "nextOffset", f.operations, f.at_ms as "atMs", f.postings, f.units,
        f.total_postings as "totalPostings", f.total_opened as "totalOpened",
        f.total_closed as "totalClosed", f.total_net_units as "netUnits",
        f.total_deposited_units as "depositedUnits", f.total_withdrawn_units as "withdrawnUnits",
        f.postings_hash as "postingsHash", f.prev_hash as "prevHash", f.hash
      from unnest(${sql.array([...parts], 1005)}::smallint[]) p(part)
      cross join lateral (
        select * from ledger.flushes where part = p.part order by flush_no desc limit 1
      ) f`;
    return rows.map(toLink);
  }

  /** Appends a link; fails when somebody else has appended one meanwhile. */
  async append(tx: Transaction, link: ChainLink): Promise<void> {
    const int8s = (values: readonly bigint[]) => tx.sql.array([...values], 1016);
    const { totals } = link;
    await tx.sql`insert into ledger.flushes (
        part, flush_no, first_offset, next_offset, operations, at_ms, postings, units,
        total_postings, total_opened, total_closed, total_net_units, total_deposited_units,
        total_withdrawn_units, postings_hash, prev_hash, hash
      ) values (${link.part}, ${link.flushNo}, ${link.firstOffset}, ${link.nextOffset},
        ${int8s(link.operations)}, ${link.atMs}, ${link.postings}, ${link.units},
        ${totals.postings}, ${totals.opened}, ${totals.closed}, ${int8s(totals.netUnits)},
        ${int8s(totals.depositedUnits)}, ${int8s(totals.withdrawnUnits)}, ${link.postingsHash},
        ${link.prevHash}, ${link.hash})`;
  }

  /** Notes an operation in its own transaction, so that the sealer finds it when it is committed. */
  async addOperation(tx: Transaction, operationNo: bigint, atMs: bigint): Promise<void> {
    await tx.sql`insert into ledger.unsealed_operations (operation_no, at_ms)
      values (${operationNo}, ${atMs})`;
  }

  /** True when this transaction alone may seal, until it ends. */
  async lockSealer(tx: Transaction): Promise<boolean> {
    const [row] = await tx.sql<{ locked: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtext('swarmledger-sealer')) as locked`;
    return row?.locked ?? false;
  }

  /** Committed operations that wait, the oldest numbers first. */
  async unsealed(sql: Sql | TransactionSql, limit: number): Promise<bigint[]> {
    const rows = await sql<{ no: bigint }[]>`select operation_no as no
      from ledger.unsealed_operations order by operation_no limit ${limit}`;
    return rows.map(({ no }) => no);
  }

  /** Takes operations out of the queue. */
  async markSealed(tx: Transaction, operationNos: readonly bigint[]): Promise<void> {
    await tx.sql`delete from ledger.unsealed_operations
      where operation_no = any(${tx.sql.array([...operationNos], 1016)}::bigint[])`;
  }

  /** Sums over the postings of operations: of these, or of all that wait. */
  operationSums(
    sql: Sql | TransactionSql,
    operationNos?: readonly bigint[],
  ): Promise<OperationSum[]> {
    return sql<OperationSum[]>`
      select j.kind::int, j.debit_kind::int as "debitKind", j.credit_kind::int as "creditKind",
        (case when j.debit_kind = 6 then j.debit_no when j.credit_kind = 6 then j.credit_no end)::int
          as asset,
        count(*) as postings, sum(j.units)::bigint as units
      from ${waiting(sql, operationNos)} group by 1, 2, 3, 4`;
  }

  /** SHA-256 over the canonical bytes of the postings of operations, by number and line. */
  async operationsHash(tx: Transaction, operationNos: readonly bigint[]): Promise<Buffer> {
    const [row] = await tx.sql<{ hash: Buffer }[]>`
      select sha256(coalesce(
        string_agg(ledger.journal_bytes(j), ''::bytea order by j.entry_no, j.line), ''::bytea
      )) as hash
      from ${waiting(tx.sql, operationNos)}`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    return row.hash;
  }
}

// The time narrows the journal to its day, the partial index finds the operation in it.
function waiting(sql: Sql | TransactionSql, operationNos: readonly bigint[] | undefined) {
  const these =
    operationNos === undefined
      ? sql``
      : sql`where u.operation_no = any(${sql.array([...operationNos], 1016)}::bigint[])`;
  return sql`ledger.unsealed_operations u join ledger.journal j
    on j.at_ms = u.at_ms and j.part = -1 and j.entry_no = u.operation_no ${these}`;
}

function toLink(row: StoredLink): ChainLink {
  const {
    totalPostings,
    totalOpened,
    totalClosed,
    netUnits,
    depositedUnits,
    withdrawnUnits,
    ...own
  } = row;
  const totals: ChainTotals = {
    postings: totalPostings,
    opened: totalOpened,
    closed: totalClosed,
    netUnits,
    depositedUnits,
    withdrawnUnits,
  };
  return { ...own, totals };
}

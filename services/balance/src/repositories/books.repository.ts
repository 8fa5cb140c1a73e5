import { LEDGER_PARTITIONS } from '#libs/contracts';
import type { Transaction } from '#libs/database';
import type { Units } from '#libs/domain';
import {
  type BalanceChange,
  balanceChanges,
  LEDGER_ACCOUNT_KINDS,
  POSTING_KINDS,
  type Posting,
} from '../domain/posting.js';
import type { ChainRepository } from './chain.repository.js';

/** Part of the home row of an account, see migrations/0001_ledger.sql. */
export const HOME = -1;

/** Every part that an account may have a row in. */
const PARTS = [HOME, ...Array.from({ length: LEDGER_PARTITIONS }, (_, part) => part)];

/** The one way operations move money: balances and journal in one go. */
export class BooksRepository {
  constructor(private readonly chain: ChainRepository) {}

  /**
   * Locks the home rows of accounts, in order of their number so that two operations on the same
   * accounts never wait for one another, and makes the missing ones first so that they can be locked.
   * Whoever spends from an account must hold its lock.
   */
  async lockHomes(tx: Transaction, accountNos: readonly bigint[]): Promise<void> {
    const sorted = [...new Set(accountNos)].sort((a, b) => (a < b ? -1 : Number(a > b)));
    for (const accountNo of sorted) {
      await tx.sql`insert into ledger.balances (part, account_no, units)
        values (${HOME}, ${accountNo}, 0) on conflict do nothing`;
      await tx.sql`select 1 from ledger.balances
        where part = ${HOME} and account_no = ${accountNo} for update`;
    }
  }

  /**
   * What an account can spend. Under its home lock this is a lower bound that stays true until the
   * transaction ends, since everything outside the home row only rises. Of all statements on the way of an
   * operation this one reads every partition, once each by its key: earnings are kept where they were made.
   */
  async available(tx: Transaction, accountNo: bigint): Promise<Units> {
    const [row] = await tx.sql<{ units: bigint }[]>`
      select coalesce(sum(units), 0)::bigint as units from ledger.balances
      where part = any(${PARTS}::smallint[]) and account_no = ${accountNo}`;
    return row?.units ?? 0n;
  }

  /** What the chain holds for us of an asset, as booked. */
  async reserve(tx: Transaction, asset: number): Promise<Units> {
    const [row] = await tx.sql<{ units: Units }[]>`select units from ledger.system_balances
      where kind = ${LEDGER_ACCOUNT_KINDS.reserve} and no = ${asset}`;
    return row?.units ?? 0n;
  }

  /** Books postings of one operation, in order; returns the operation's number. */
  async post(tx: Transaction, postings: readonly Posting[], atMs: bigint): Promise<bigint> {
    const [operation] = await tx.sql<{ no: bigint }[]>`
      select nextval('ledger.operation_numbers') as no`;
    if (operation === undefined) throw new Error('a sequence returned no number');
    await tx.sql`insert into ledger.journal ${tx.sql(
      postings.map((posting, line) => ({
        at_ms: atMs,
        part: HOME,
        entry_no: operation.no,
        line,
        kind: POSTING_KINDS[posting.kind],
        debit_kind: LEDGER_ACCOUNT_KINDS[posting.debit.kind],
        debit_no: posting.debit.no,
        credit_kind: LEDGER_ACCOUNT_KINDS[posting.credit.kind],
        credit_no: posting.credit.no,
        units: posting.units,
        reference: posting.reference === undefined ? null : Buffer.from(posting.reference),
      })),
    )}`;
    await this.chain.addOperation(tx, operation.no, atMs);
    for (const change of balanceChanges(postings)) await this.#apply(tx, change);
    return operation.no;
  }

  async #apply(tx: Transaction, { account, units }: BalanceChange): Promise<void> {
    switch (account.kind) {
      case 'available':
        await tx.sql`insert into ledger.balances as b (part, account_no, units)
          values (${HOME}, ${account.no}, ${units})
          on conflict (part, account_no) do update set units = b.units + excluded.units`;
        return;
      case 'fees':
      case 'reserve':
      case 'suspense': {
        const done = await tx.sql`update ledger.system_balances set units = units + ${units}
          where kind = ${LEDGER_ACCOUNT_KINDS[account.kind]} and no = ${account.no}`;
        if (done.count !== 1) throw new Error(`no system balance ${account.kind} ${account.no}`);
        return;
      }
      // These carry their amount in their own row, changed by whoever posts.
      case 'channel':
      case 'hold':
      case 'withdrawing':
        return;
    }
  }
}

import { desc, eq, sql } from 'drizzle-orm';
import { TOPICS, WithdrawalState } from '#libs/contracts';
import { type Database, ledgerTables } from '#libs/database';
import { ASSET_NUMBERS, ASSETS } from '#libs/domain';
import type { LostLog } from '../domain/log-loss.js';
import type { DepositRow, Offset, Quarantine, WithdrawalRow } from '../domain/snapshot.js';

const { accounts, deposits, logOffsets, quarantine, withdrawals } = ledgerTables;

/** Where counting quarantined entries stops: past it the exact number no longer matters. */
const QUARANTINE_COUNT_MAX = 10_000;

/** Reads of the ledger's tables; the admin role may select there and nothing else. */
export class LedgerViewRepository {
  constructor(private readonly database: Database) {}

  async version(): Promise<{ version: string }> {
    const [row] = await this.database.sql<
      { version: string }[]
    >`select current_setting('server_version') as version`;
    return { version: row?.version ?? '' };
  }

  /** Next offset of every partition of the voucher log. */
  async appliedOffsets(): Promise<Offset[]> {
    const rows = await this.database.db
      .select()
      .from(logOffsets)
      .where(eq(logOffsets.topic, TOPICS.vouchers.name));
    return rows.map(({ part, nextOffset }) => ({ partition: part, offset: nextOffset }));
  }

  /** Logs that the services which apply them have found to be incomplete. */
  async lostLogs(): Promise<LostLog[]> {
    return [
      ...(await this.database.sql<LostLog[]>`
        select topic, lost from ledger.log_sources where lost is not null
        union all
        select topic, lost from market.log_sources where lost is not null
        order by topic`),
    ];
  }

  async latestDeposits(limit: number): Promise<DepositRow[]> {
    const rows = await this.database.db
      .select()
      .from(deposits)
      .leftJoin(accounts, eq(deposits.accountNo, accounts.accountNo))
      .orderBy(desc(deposits.creditedAtMs))
      .limit(limit);
    return rows.map(({ deposits: deposit, accounts: account }) => ({
      txid: deposit.txid.toString('hex'),
      asset: assetName(deposit.asset),
      account: account?.address ?? '',
      units: deposit.units,
      creditedAtMs: deposit.creditedAtMs,
    }));
  }

  async latestWithdrawals(limit: number): Promise<WithdrawalRow[]> {
    const rows = await this.database.db
      .select()
      .from(withdrawals)
      .orderBy(desc(withdrawals.withdrawalNo))
      .limit(limit);
    return rows.map((row) => ({
      withdrawalNo: row.withdrawalNo,
      asset: assetName(row.asset),
      destination: row.destination,
      amountUnits: row.amountUnits,
      state: withdrawalStateName(row.state),
      failure: row.failure,
      requestedAtMs: row.requestedAtMs,
    }));
  }

  async quarantine(): Promise<Quarantine> {
    const counted = this.database.db
      .select({ one: sql`1` })
      .from(quarantine)
      .limit(QUARANTINE_COUNT_MAX)
      .as('counted');
    const [count] = await this.database.db
      .select({ count: sql<number>`count(*)::int` })
      .from(counted);
    const latest = await this.database.db
      .select()
      .from(quarantine)
      .orderBy(desc(quarantine.quarantineNo))
      .limit(5);
    return {
      count: count?.count ?? 0,
      latest: latest.map(({ topic, part, logOffset, line, reason }) => ({
        place: `${topic}/${part}@${logOffset}:${line}`,
        reason,
      })),
    };
  }
}

function assetName(assetNo: number): string {
  return ASSETS.find((name) => ASSET_NUMBERS[name] === assetNo) ?? `asset ${assetNo}`;
}

function withdrawalStateName(state: number): string {
  const name: string | undefined = WithdrawalState[state];
  return name === undefined ? `state ${state}` : name.toLowerCase();
}

import type { Units } from '#libs/domain';
import type { Audit, Check } from '../audit.js';
import { differ } from '../difference.js';
import { reservesOf } from '../vault.js';

/** All that is owed now is covered by what the solidified chain holds of both assets. */
async function reserves(audit: Audit): Promise<void> {
  const [owed] = await audit.sql<{ units: Units; paid: Units }[]>`
    select (select sum(units) from ledger.system_balances where kind = 6)::bigint as units,
      (select coalesce(sum(l.units), 0) from settlement.batch_payouts l
        join settlement.payouts p on p.withdrawal_id = l.withdrawal_id and p.batch_no = l.batch_no
        join settlement.batches b on b.batch_no = l.batch_no
        join ledger.withdrawals w on w.withdrawal_id = l.withdrawal_id
        where w.state not in (7, 8, 9) and (b.state between 2 and 4 or p.state in (4, 8)))::bigint as paid`;
  const { trc20, trc10 } = await reservesOf(audit);
  const due = (owed?.units ?? 0n) - (owed?.paid ?? 0n);
  if (due <= trc20 + trc10) return;
  const row = { table: 'ledger.system_balances', key: 'reserves' };
  const told = `${trc20} units of TRC-20 in the vault and ${trc10} of TRC-10 in the hot wallet`;
  differ(row, `${due} units on chain`, told);
}

export const RESERVE_CHECKS: readonly Check[] = [{ name: 'Reserves', run: reserves }];

import type { Units } from '#libs/domain';
import { LEDGER_ACCOUNT_KINDS, type LedgerAccountKind } from './posting.js';

/** What the tables say each kind of ledger account holds; the reserve counts as what the chain owes. */
export type TableSums = Readonly<Record<LedgerAccountKind, Units>>;

/**
 * The first disagreement between the tables and the journal, or undefined when every unit is where it
 * must be: each kind's sum follows from the journal alone, and what is owed equals the reserve.
 */
export function firstDifference(
  tables: TableSums,
  journal: readonly { readonly kind: number; readonly units: Units }[],
): string | undefined {
  const booked = new Map(journal.map(({ kind, units }) => [kind, units]));
  for (const [name, kind] of Object.entries(LEDGER_ACCOUNT_KINDS)) {
    const fromJournal = booked.get(kind) ?? 0n;
    const fromTables = tables[name as LedgerAccountKind];
    // A debit raises the reserve: the journal's credits − debits is its negative.
    const expected = name === 'reserve' ? -fromTables : fromTables;
    if (fromJournal !== expected) {
      return `${name}: the journal gives ${fromJournal}, the tables give ${expected}`;
    }
  }
  const { reserve, ...liabilities } = tables;
  const owed = Object.values(liabilities).reduce((sum, units) => sum + units, 0n);
  return owed === reserve ? undefined : `owed ${owed} is not the reserve ${reserve}`;
}

import type { Units } from '#libs/domain';

/** Kinds of ledger accounts, as stored in the journal. */
export const LEDGER_ACCOUNT_KINDS = {
  available: 1,
  channel: 2,
  hold: 3,
  withdrawing: 4,
  fees: 5,
  reserve: 6,
  suspense: 7,
} as const;

/** Name of a kind of ledger account. */
export type LedgerAccountKind = keyof typeof LEDGER_ACCOUNT_KINDS;

/** One side of a posting: a kind and the number of the account, channel, hold, withdrawal or asset. */
export type LedgerAccount = { readonly kind: LedgerAccountKind; readonly no: bigint };

/** What a posting was for, as stored in the journal. */
export const POSTING_KINDS = {
  deposit: 1,
  transfer: 2,
  payment: 3,
  'channel-open': 4,
  'channel-close': 5,
  hold: 6,
  release: 7,
  lease: 8,
  withdraw: 9,
  'withdraw-paid': 10,
  'withdraw-fee': 11,
  'withdraw-refund': 12,
  'suspense-resolved': 13,
} as const;

/** Name of a kind of posting. */
export type PostingKind = keyof typeof POSTING_KINDS;

/** Double entry: the debit account gives and the credit account gets the same amount. */
export type Posting = {
  readonly kind: PostingKind;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  readonly units: Units;
  readonly reference?: Uint8Array | undefined;
};

/** Shorthand for one side of a posting. */
export function side(kind: LedgerAccountKind, no: bigint): LedgerAccount {
  return { kind, no };
}

/** The name of a stored kind of posting. */
export function postingKindOf(stored: number): PostingKind {
  const found = Object.entries(POSTING_KINDS).find(([, number]) => number === stored);
  if (found === undefined) throw new Error(`the journal holds an unknown kind ${stored}`);
  return found[0] as PostingKind;
}

/** The name of a stored kind of ledger account. */
export function ledgerAccountKindOf(stored: number): LedgerAccountKind {
  const found = Object.entries(LEDGER_ACCOUNT_KINDS).find(([, number]) => number === stored);
  if (found === undefined) throw new Error(`the journal holds an unknown account kind ${stored}`);
  return found[0] as LedgerAccountKind;
}

/** A change of one ledger account's balance. */
export type BalanceChange = { readonly account: LedgerAccount; readonly units: Units };

/**
 * What a posting changes in the balance tables. Reserve is what the chain holds for us, so a debit
 * raises it; all others are what we owe, so a credit raises them. Channels, holds and withdrawals
 * carry their own amounts in their own rows and are changed by whoever posts.
 */
export function balanceChanges(postings: readonly Posting[]): BalanceChange[] {
  const sums = new Map<string, { account: LedgerAccount; units: Units }>();
  const add = (account: LedgerAccount, units: Units) => {
    const key = `${account.kind}:${account.no}`;
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { account, units });
    else sum.units += units;
  };
  for (const { debit, credit, units } of postings) {
    add(debit, debit.kind === 'reserve' ? units : -units);
    add(credit, credit.kind === 'reserve' ? -units : units);
  }
  return [...sums.values()].sort(byKindAndNo);
}

// One order of locking for all operations, so that two of them cannot wait for one another.
function byKindAndNo(a: BalanceChange, b: BalanceChange): number {
  const kinds = LEDGER_ACCOUNT_KINDS[a.account.kind] - LEDGER_ACCOUNT_KINDS[b.account.kind];
  if (kinds !== 0) return kinds;
  return a.account.no < b.account.no ? -1 : Number(a.account.no > b.account.no);
}

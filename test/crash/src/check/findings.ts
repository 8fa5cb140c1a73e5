/**
 * What can be wrong with a ledger.
 * - `lost`: the payer was told more than the channel owes.
 * - `doubled`: something of the log was applied twice.
 * - `invented`: a channel owes more than its payer ever claimed, or more than its deposit.
 * - `books`: journal, channels and balances disagree, or units came from nowhere.
 * - `offsets`: a part of the log was left out, or applied without being accounted for.
 * - `chain`: the hash chain does not recompute: a row was changed after it was written.
 * - `quarantine`: something acknowledged could not be booked.
 * - `refused`: the ledger refused an honest payment for good, or answered less than was claimed.
 */
export type Finding = {
  readonly kind:
    | 'lost'
    | 'doubled'
    | 'invented'
    | 'books'
    | 'offsets'
    | 'chain'
    | 'quarantine'
    | 'refused';
  readonly text: string;
};

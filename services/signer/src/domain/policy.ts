import type { Address } from '#libs/domain';

/** The one place that is signed for. */
export type SignerPlace = {
  readonly chainId: bigint;
  readonly owner: Address;
  readonly vault: Address;
  readonly trc20: Address;
  readonly trc10Id: string;
};

/** What is allowed. Units are the ledger's, of whichever asset. */
export type Policy = {
  readonly payeesMax: number;
  readonly transactionUnitsMax: bigint;
  readonly windowMs: bigint;
  readonly windowUnitsMax: bigint;
  /** Bounds what fees can burn, and the journal. */
  readonly windowTransactionsMax: number;
  readonly feeLimitMaxSun: bigint;
  readonly lifeMaxMs: bigint;
  /** Transactions signed for one batch id or epoch, each with the same contents. */
  readonly attemptsMax: number;
};

/** What a transaction does, as far as the policy cares. */
export type Intent = {
  readonly owner: Address;
  readonly expirationMs: bigint;
  readonly feeLimitSun: bigint;
  /** What leaves for good, in units, rounded up. */
  readonly units: bigint;
  readonly payees: readonly Address[];
  /** Whether anybody is paid: epochs and releases pay nobody. */
  readonly pays: boolean;
  /** What may be signed once only, with these contents; undefined for TRC-10, which has no such id. */
  readonly subject: { readonly key: string; readonly contents: string } | undefined;
  /** Number of the epoch that is committed. */
  readonly epoch: bigint | undefined;
};

/** What was signed before, as far as it matters for the next transaction. */
export type Past = {
  readonly windowUnits: bigint;
  readonly windowTransactions: number;
  /** The same batch or epoch, when it was signed before. */
  readonly subject: { readonly contents: string; readonly attempts: number } | undefined;
  readonly lastEpoch: bigint;
};

/** Names of the rules, as in proto/swarmledger/v1/signer.proto. */
export type RefusalReason =
  | 'UNREADABLE'
  | 'WRONG_CHAIN'
  | 'WRONG_OWNER'
  | 'UNKNOWN_CALL'
  | 'MEMO_OR_PERMISSION'
  | 'EXPIRATION'
  | 'FEE_LIMIT'
  | 'PAYEES'
  | 'AMOUNT'
  | 'WINDOW'
  | 'CHANGED'
  | 'SIGNED_TOO_OFTEN';

/** Why a transaction is not signed. */
export type Refusal = { readonly reason: RefusalReason; readonly detail: string };

/** Epochs are counted by one. The vault takes none below its last, so a leap could leave no number for the next one. */
export const EPOCH_LEAP_MAX = 1_000_000n;

/** The first rule that a transaction breaks, or undefined when it may be signed. */
export function checkPolicy(
  intent: Intent,
  place: SignerPlace,
  policy: Policy,
  past: Past,
  nowMs: bigint,
): Refusal | undefined {
  if (intent.owner !== place.owner) {
    return no('WRONG_OWNER', `it is sent from ${intent.owner}, the key is that of ${place.owner}`);
  }
  const lifeMs = intent.expirationMs - nowMs;
  if (lifeMs <= 0n) return no('EXPIRATION', `it has expired ${-lifeMs} ms ago`);
  if (lifeMs > policy.lifeMaxMs) {
    return no('EXPIRATION', `it would live for ${lifeMs} ms, ${policy.lifeMaxMs} are allowed`);
  }
  if (intent.feeLimitSun > policy.feeLimitMaxSun) {
    return no('FEE_LIMIT', `${intent.feeLimitSun} sun, ${policy.feeLimitMaxSun} are allowed`);
  }
  return checkPayees(intent, place, policy) ?? checkPast(intent, policy, past);
}

function checkPayees(intent: Intent, place: SignerPlace, policy: Policy): Refusal | undefined {
  const { payees, units } = intent;
  if (payees.length > policy.payeesMax) {
    return no('PAYEES', `${payees.length} payees, ${policy.payeesMax} are allowed`);
  }
  const own = [place.owner, place.vault, place.trc20];
  const odd = payees.find((payee) => own.includes(payee));
  if (odd !== undefined) return no('PAYEES', `${odd} belongs to the ledger itself`);
  if (intent.pays && units === 0n) return no('AMOUNT', 'it pays nothing');
  if (units > policy.transactionUnitsMax) {
    return no('AMOUNT', `${units} units, ${policy.transactionUnitsMax} are allowed at once`);
  }
  return undefined;
}

function checkPast(intent: Intent, policy: Policy, past: Past): Refusal | undefined {
  const { subject, epoch, units } = intent;
  const before = past.subject;
  if (subject !== undefined && before !== undefined) {
    if (before.contents !== subject.contents) {
      return no('CHANGED', `${subject.key} was signed before with other contents`);
    }
    if (before.attempts >= policy.attemptsMax) {
      return no('SIGNED_TOO_OFTEN', `${subject.key} was signed ${before.attempts} times`);
    }
  }
  if (epoch !== undefined && before === undefined && epoch <= past.lastEpoch) {
    return no('CHANGED', `epoch ${past.lastEpoch} was signed before epoch ${epoch}`);
  }
  if (epoch !== undefined && epoch > past.lastEpoch + EPOCH_LEAP_MAX) {
    return no('CHANGED', `epoch ${epoch} is too far from epoch ${past.lastEpoch}`);
  }
  if (past.windowUnits + units > policy.windowUnitsMax) {
    return no(
      'WINDOW',
      `${past.windowUnits} units were signed within the window, ${units} more would pass ${policy.windowUnitsMax}`,
    );
  }
  if (past.windowTransactions >= policy.windowTransactionsMax) {
    return no('WINDOW', `${past.windowTransactions} transactions were signed within the window`);
  }
  return undefined;
}

/** A refusal. */
export function no(reason: RefusalReason, detail: string): Refusal {
  return { reason, detail };
}

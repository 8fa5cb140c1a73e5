/** The signed transaction of a batch that may still be included. */
export type OpenAttempt = {
  readonly number: number;
  readonly expirationMs: bigint;
  readonly broadcasts: number;
  readonly lastBroadcastAtMs: bigint | undefined;
  /** What a node said when it refused the transaction; empty when none did. */
  readonly refusal: string;
};

/** Where a batch that is not finished stands. */
export type OpenBatch =
  /** Nothing is signed, or what was signed is proven dead. */
  | { readonly state: 'planned'; readonly kind: BatchKind; readonly attempts: number }
  | {
      readonly state: 'signed' | 'broadcast' | 'confirmed';
      readonly kind: BatchKind;
      readonly attempt: OpenAttempt;
    };

/** `vault`: the contract executes a batch id once. `single`: only proof of death prevents a second payment. */
export type BatchKind = 'vault' | 'single';

/** What the chain shows of a batch. Only the first three are facts; the rest is what a node says. */
export type Observation = {
  /** Transaction that executed the batch id, by the vault's log on the solidified chain. */
  readonly vaultPaidBy: string | undefined;
  /** The open attempt in a solidified block that we have read. */
  readonly solid: { readonly succeeded: boolean; readonly result: string } | undefined;
  /** Time of the last solidified block that we have read; every block before it was read too. */
  readonly scannedUntilMs: bigint;
  /** A node says that the open attempt is in a block that may still be undone. */
  readonly includedIn: bigint | undefined;
  /** A node says that the solidified chain holds the open attempt. */
  readonly claimedSolid: boolean;
};

/** Limits of patience. */
export type StepPolicy = {
  readonly attemptsMax: number;
  readonly rebroadcastMs: bigint;
};

/** What to do next with a batch. */
export type Step =
  /** Sign the next attempt, if the funds allow it. */
  | { readonly do: 'sign'; readonly attempt: number }
  /** Send the stored bytes (again). */
  | { readonly do: 'broadcast' }
  /** Note that it is in a block. */
  | { readonly do: 'confirm'; readonly block: bigint }
  /** Note that the block it was in is gone. */
  | { readonly do: 'unconfirm' }
  /** Paid for good, by this transaction when it is not the open attempt's. */
  | { readonly do: 'finish'; readonly paidBy: string | undefined }
  /** The open attempt can never be included; the batch may be signed anew. */
  | { readonly do: 'expire' }
  /** Nothing was paid and nothing can be any more: the payouts return to the queue. */
  | { readonly do: 'fail'; readonly reason: string }
  /** The chain shows what cannot be: stop and call an operator. */
  | { readonly do: 'halt'; readonly reason: string }
  | { readonly do: 'wait' };

/**
 * The state machine of a batch: a pure function of what is stored, what was observed and the time.
 * Money moves on facts only. An attempt counts as dead when a solidified block is later than its
 * expiration, since every later block would have to include a transaction that is expired at its
 * parent's time, and when none of the solidified blocks read, without a gap, holds it.
 */
export function nextStep(
  batch: OpenBatch,
  seen: Observation,
  nowMs: bigint,
  policy: StepPolicy,
): Step {
  if (batch.kind === 'vault' && seen.vaultPaidBy !== undefined) {
    return { do: 'finish', paidBy: seen.vaultPaidBy };
  }
  if (batch.state === 'planned') {
    return batch.attempts < policy.attemptsMax
      ? { do: 'sign', attempt: batch.attempts + 1 }
      : { do: 'fail', reason: `given up after ${batch.attempts} transactions that expired` };
  }
  const { attempt, kind } = batch;
  if (seen.solid !== undefined) return judgeSolid(kind, seen.solid);
  if (seen.scannedUntilMs > attempt.expirationMs) return judgeExpired(attempt, seen, policy);
  if (seen.includedIn !== undefined) {
    return batch.state === 'confirmed' ? { do: 'wait' } : { do: 'confirm', block: seen.includedIn };
  }
  if (batch.state === 'confirmed') return { do: 'unconfirm' };
  return shouldBroadcast(attempt, nowMs, policy) ? { do: 'broadcast' } : { do: 'wait' };
}

function judgeSolid(kind: BatchKind, solid: NonNullable<Observation['solid']>): Step {
  if (!solid.succeeded) return { do: 'fail', reason: `failed on chain: ${solid.result}` };
  if (kind === 'single') return { do: 'finish', paidBy: undefined };
  return { do: 'halt', reason: 'a batch succeeded on chain but the vault did not log its payment' };
}

function judgeExpired(attempt: OpenAttempt, seen: Observation, policy: StepPolicy): Step {
  if (seen.claimedSolid) {
    return { do: 'halt', reason: 'a node claims a transaction that is in none of the blocks read' };
  }
  if (attempt.refusal !== '') return { do: 'fail', reason: `refused: ${attempt.refusal}` };
  if (attempt.number >= policy.attemptsMax) {
    return { do: 'fail', reason: `given up after ${attempt.number} transactions that expired` };
  }
  return { do: 'expire' };
}

function shouldBroadcast(attempt: OpenAttempt, nowMs: bigint, policy: StepPolicy): boolean {
  // Past its expiration it would be refused anyway; until then only the very same bytes are sent.
  if (nowMs >= attempt.expirationMs) return false;
  const last = attempt.lastBroadcastAtMs;
  return last === undefined || nowMs - last >= policy.rebroadcastMs;
}

/**
 * How many payees the next batches of a failed one's payouts may have. Whom the vault cannot pay it skips, so a batch
 * fails as a whole for no payee's fault, perhaps because it was too large for the chain's time or energy. Undefined when
 * each is to go alone, which counts as its failure.
 */
export function halfOf(payees: number): number | undefined {
  const half = Math.ceil(payees / 2);
  return half > 1 ? half : undefined;
}

/** What becomes of a payout whose batch failed: it waits for another batch, or goes back to its owner. */
export function afterFailure(failures: number, failuresMax: number): 'requeue' | 'refund' {
  return failures >= failuresMax ? 'refund' : 'requeue';
}

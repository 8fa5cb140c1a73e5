import type { Database } from '#libs/database';
import { BATCH, OUTCOME } from '../domain/states.js';
import type { NewAttempt } from './batch-step.repository.js';
import { durably, moved } from './batch-transaction.repository.js';

/** Steps of the transactions that release claim sets. Every method is one transaction that changes all it names or nothing. */
export class ReleaseStepRepository {
  constructor(private readonly database: Database) {}

  /** SIGNED: stores the bytes that may be sent, and only those. */
  sign(attempt: NewAttempt, nowMs: bigint): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.claim_sets set state = ${BATCH.signed}, attempts = ${attempt.attempt}
        where batch_no = ${attempt.batchNo} and state = ${BATCH.planned}
          and attempts = ${attempt.attempt - 1}`);
      await tx.sql`
        insert into settlement.release_attempts (batch_no, attempt, txid, raw, signed,
          fee_limit_sun, expiration_ms, signed_at_ms)
        values (${attempt.batchNo}, ${attempt.attempt}, ${Buffer.from(attempt.txid, 'hex')},
          ${Buffer.from(attempt.raw)}, ${Buffer.from(attempt.signed)}, ${attempt.feeLimitSun},
          ${attempt.expirationMs}, ${nowMs})`;
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  broadcast(batchNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.release_attempts
        set broadcasts = broadcasts + 1, last_broadcast_at_ms = ${nowMs}, refusal = ${refusal}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await tx.sql`update settlement.claim_sets set state = ${BATCH.broadcast}
        where batch_no = ${batchNo} and state = ${BATCH.signed}`;
    });
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(batchNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.release_attempts set confirmed_block = ${block ?? null}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`
        update settlement.claim_sets
        set state = ${block === undefined ? BATCH.broadcast : BATCH.confirmed}
        where batch_no = ${batchNo} and state between ${BATCH.signed} and ${BATCH.confirmed}`);
    });
  }

  /** The open attempt is dead, or has failed on chain: the release may be signed anew. */
  end(batchNo: bigint, attempt: number, outcome: number): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.release_attempts set outcome = ${outcome}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`update settlement.claim_sets set state = ${BATCH.planned}
        where batch_no = ${batchNo} and state < ${BATCH.solidified}`);
    });
  }
}

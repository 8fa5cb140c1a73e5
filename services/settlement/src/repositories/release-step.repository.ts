import type { Database } from '#libs/database';
import { BATCH } from '../domain/states.js';
import {
  endAttempt,
  noteBroadcast,
  noteConfirmed,
  RELEASES,
  type SignedAttempt,
  storeAttempt,
} from './attempt-steps.js';
import { durably, moved } from './batch-transaction.repository.js';

/** Steps of the transactions that release claim sets. Every method is one transaction that changes all it names or nothing. */
export class ReleaseStepRepository {
  constructor(private readonly database: Database) {}

  /** SIGNED: stores the bytes that may be sent, and only those. */
  sign(batchNo: bigint, attempt: SignedAttempt, nowMs: bigint): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.claim_sets set state = ${BATCH.signed}, attempts = ${attempt.attempt}
        where batch_no = ${batchNo} and state = ${BATCH.planned}
          and attempts = ${attempt.attempt - 1}`);
      await storeAttempt(tx, RELEASES, batchNo, attempt, nowMs);
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  async broadcast(batchNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    await this.database.transaction((tx) =>
      noteBroadcast(tx, RELEASES, { no: batchNo, attempt }, refusal, nowMs),
    );
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(batchNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction((tx) =>
      noteConfirmed(tx, RELEASES, { no: batchNo, attempt }, block),
    );
  }

  /** The open attempt is dead, or has failed on chain: the release may be signed anew. */
  end(batchNo: bigint, attempt: number, outcome: number): Promise<void> {
    return durably(this.database, (tx) =>
      endAttempt(tx, RELEASES, { no: batchNo, attempt }, outcome),
    );
  }
}

import type { Database } from '#libs/database';
import { BATCH, OUTCOME } from '../domain/states.js';
import {
  attemptColumns,
  EPOCHS,
  endAttempt,
  noteBroadcast,
  noteConfirmed,
  type OpenAttemptColumns,
  type SignedAttempt,
  storeAttempt,
} from './attempt-steps.js';
import { durably, moved } from './batch-transaction.repository.js';

/** The open epoch with its open attempt and what the solidified chain shows of it. */
export type OpenEpochRow = OpenAttemptColumns & {
  readonly epochNo: bigint;
  readonly state: number;
  readonly root: Buffer;
  readonly totalUnits: bigint;
  readonly attempts: number;
};

/** A signed transaction to be stored before it is sent. */
export type NewEpochAttempt = SignedAttempt & { readonly epochNo: bigint };

/** Steps of the open epoch. Every method is one transaction that changes all it names or nothing. */
export class EpochStepRepository {
  constructor(private readonly database: Database) {}

  /** The epoch that is neither committed nor failed; there is one at most. */
  async open(): Promise<OpenEpochRow | undefined> {
    const { sql } = this.database;
    const [row] = await sql<OpenEpochRow[]>`
      select e.epoch_no as "epochNo", e.state, e.root, e.total_units as "totalUnits", e.attempts,
        ${attemptColumns(sql)}
      from settlement.epochs e
      left join settlement.epoch_attempts a
        on a.epoch_no = e.epoch_no and a.outcome = ${OUTCOME.open}
      left join settlement.own_transactions o on o.txid = a.txid
      where e.state < ${BATCH.solidified}`;
    return row;
  }

  /** SIGNED: stores the bytes that may be sent, and only those. */
  sign(attempt: NewEpochAttempt, nowMs: bigint): Promise<void> {
    return durably(this.database, async (tx) => {
      const txid = Buffer.from(attempt.txid, 'hex');
      await moved(tx.sql`
        update settlement.epochs
        set state = ${BATCH.signed}, attempts = ${attempt.attempt}, txid = ${txid}
        where epoch_no = ${attempt.epochNo} and state = ${BATCH.planned}
          and attempts = ${attempt.attempt - 1}`);
      await storeAttempt(tx, EPOCHS, attempt.epochNo, attempt, nowMs);
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  async broadcast(epochNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    await this.database.transaction((tx) =>
      noteBroadcast(tx, EPOCHS, { no: epochNo, attempt }, refusal, nowMs),
    );
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(epochNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction((tx) =>
      noteConfirmed(tx, EPOCHS, { no: epochNo, attempt }, block),
    );
  }

  /** EXPIRED_PROVEN: the open attempt is dead, the epoch may be signed anew. */
  expire(epochNo: bigint, attempt: number): Promise<void> {
    return durably(this.database, (tx) =>
      endAttempt(tx, EPOCHS, { no: epochNo, attempt }, OUTCOME.expired),
    );
  }

  /**
   * SOLIDIFIED with an empty failure, else FAILED: another epoch takes its place. Both go by the first `attempts`; one
   * that was signed meanwhile may still commit it.
   */
  end(
    epochNo: bigint,
    end: {
      readonly attempts: number;
      readonly failure: string;
      readonly outcome: number;
      readonly nowMs: bigint;
    },
  ): Promise<void> {
    const solidified = end.failure === '';
    return durably(this.database, async (tx) => {
      await tx.sql`update settlement.epoch_attempts set outcome = ${end.outcome}
        where epoch_no = ${epochNo} and outcome = ${OUTCOME.open}`;
      await moved(tx.sql`
        update settlement.epochs e
        set state = ${solidified ? BATCH.solidified : BATCH.failed}, failure = ${end.failure},
          solidified_at_ms = ${solidified ? end.nowMs : null},
          energy_used = coalesce((select energy_used from settlement.own_transactions o
            where o.txid = e.txid), 0),
          fee_sun = coalesce((select fee_sun from settlement.own_transactions o
            where o.txid = e.txid), 0)
        where epoch_no = ${epochNo} and state < ${BATCH.solidified}
          and attempts = ${end.attempts}`);
    });
  }
}

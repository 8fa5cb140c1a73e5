import type { Database } from '#libs/database';
import { BATCH, OUTCOME } from '../domain/states.js';
import { durably, moved } from './batch-transaction.repository.js';

/** The open epoch with its open attempt and what the solidified chain shows of it. */
export type OpenEpochRow = {
  readonly epochNo: bigint;
  readonly state: number;
  readonly root: Buffer;
  readonly totalUnits: bigint;
  readonly attempts: number;
  readonly attempt: number | null;
  readonly txid: Buffer | null;
  readonly signed: Buffer | null;
  readonly expirationMs: bigint | null;
  readonly broadcasts: number | null;
  readonly lastBroadcastAtMs: bigint | null;
  readonly refusal: string | null;
  readonly solidSucceeded: boolean | null;
  readonly solidResult: string | null;
};

/** A signed transaction to be stored before it is sent. */
export type NewEpochAttempt = {
  readonly epochNo: bigint;
  readonly attempt: number;
  readonly txid: string;
  readonly raw: Uint8Array;
  readonly signed: Uint8Array;
  readonly feeLimitSun: bigint;
  readonly expirationMs: bigint;
};

/** Steps of the open epoch. Every method is one transaction that changes all it names or nothing. */
export class EpochStepRepository {
  constructor(private readonly database: Database) {}

  /** The epoch that is neither committed nor failed; there is one at most. */
  async open(): Promise<OpenEpochRow | undefined> {
    const [row] = await this.database.sql<OpenEpochRow[]>`
      select e.epoch_no as "epochNo", e.state, e.root, e.total_units as "totalUnits", e.attempts,
        a.attempt, a.txid, a.signed, a.expiration_ms as "expirationMs", a.broadcasts,
        a.last_broadcast_at_ms as "lastBroadcastAtMs", a.refusal,
        o.succeeded as "solidSucceeded", o.result as "solidResult"
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
      await tx.sql`
        insert into settlement.epoch_attempts (epoch_no, attempt, txid, raw, signed,
          fee_limit_sun, expiration_ms, signed_at_ms)
        values (${attempt.epochNo}, ${attempt.attempt}, ${txid}, ${Buffer.from(attempt.raw)},
          ${Buffer.from(attempt.signed)}, ${attempt.feeLimitSun}, ${attempt.expirationMs}, ${nowMs})`;
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  broadcast(epochNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.epoch_attempts
        set broadcasts = broadcasts + 1, last_broadcast_at_ms = ${nowMs}, refusal = ${refusal}
        where epoch_no = ${epochNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await tx.sql`update settlement.epochs set state = ${BATCH.broadcast}
        where epoch_no = ${epochNo} and state = ${BATCH.signed}`;
    });
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(epochNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.epoch_attempts set confirmed_block = ${block ?? null}
        where epoch_no = ${epochNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`
        update settlement.epochs
        set state = ${block === undefined ? BATCH.broadcast : BATCH.confirmed}
        where epoch_no = ${epochNo} and state between ${BATCH.signed} and ${BATCH.confirmed}`);
    });
  }

  /** EXPIRED_PROVEN: the open attempt is dead, the epoch may be signed anew. */
  expire(epochNo: bigint, attempt: number): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.epoch_attempts set outcome = ${OUTCOME.expired}
        where epoch_no = ${epochNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`update settlement.epochs set state = ${BATCH.planned}
        where epoch_no = ${epochNo} and state < ${BATCH.solidified}`);
    });
  }

  /** SOLIDIFIED with an empty failure, else FAILED: another epoch takes its place. */
  end(epochNo: bigint, end: { failure: string; outcome: number; nowMs: bigint }): Promise<void> {
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
        where epoch_no = ${epochNo} and state < ${BATCH.solidified}`);
    });
  }
}

import type { QuerySql, Transaction } from '#libs/database';
import { BATCH, OUTCOME } from '../domain/states.js';
import { moved } from './batch-transaction.repository.js';

/** What goes to the chain as stored bytes: the table of such things, that of their attempts, and what names one in both. */
export type SentTables = {
  readonly things: string;
  readonly attempts: string;
  readonly key: 'batch_no' | 'epoch_no';
};

export const BATCHES: SentTables = {
  things: 'settlement.batches',
  attempts: 'settlement.attempts',
  key: 'batch_no',
};
export const EPOCHS: SentTables = {
  things: 'settlement.epochs',
  attempts: 'settlement.epoch_attempts',
  key: 'epoch_no',
};
export const RELEASES: SentTables = {
  things: 'settlement.claim_sets',
  attempts: 'settlement.release_attempts',
  key: 'batch_no',
};

/** The open attempt of such a thing, if there is one, and what the solidified chain shows of it. */
export type OpenAttemptColumns = {
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
export type SignedAttempt = {
  readonly attempt: number;
  readonly txid: string;
  readonly raw: Uint8Array;
  readonly signed: Uint8Array;
  readonly feeLimitSun: bigint;
  readonly expirationMs: bigint;
};

/** An attempt by the number of what it sends and its own: no step of an older one touches what another was signed for. */
export type AttemptName = { readonly no: bigint; readonly attempt: number };

/** The columns of an {@link OpenAttemptColumns}: attempts are `a`, the hot wallet's transactions on the chain `o`. */
export function attemptColumns(sql: QuerySql) {
  return sql`a.attempt, a.txid, a.signed, a.expiration_ms as "expirationMs", a.broadcasts,
    a.last_broadcast_at_ms as "lastBroadcastAtMs", a.refusal,
    o.succeeded as "solidSucceeded", o.result as "solidResult"`;
}

/** SIGNED: stores the bytes that may be sent, and only those. */
export async function storeAttempt(
  { sql }: Transaction,
  { attempts, key }: SentTables,
  no: bigint,
  signed: SignedAttempt,
  nowMs: bigint,
): Promise<void> {
  await sql`
    insert into ${sql(attempts)} (${sql(key)}, attempt, txid, raw, signed, fee_limit_sun,
      expiration_ms, signed_at_ms)
    values (${no}, ${signed.attempt}, ${Buffer.from(signed.txid, 'hex')}, ${Buffer.from(signed.raw)},
      ${Buffer.from(signed.signed)}, ${signed.feeLimitSun}, ${signed.expirationMs}, ${nowMs})`;
}

/** BROADCAST: notes that the stored bytes were sent and what the node said. True when it was the first time. */
export async function noteBroadcast(
  { sql }: Transaction,
  { things, attempts, key }: SentTables,
  { no, attempt }: AttemptName,
  refusal: string,
  nowMs: bigint,
): Promise<boolean> {
  await moved(sql`
    update ${sql(attempts)}
    set broadcasts = broadcasts + 1, last_broadcast_at_ms = ${nowMs}, refusal = ${refusal}
    where ${sql(key)} = ${no} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
  const raised = await sql`
    update ${sql(things)} set state = ${BATCH.broadcast}
    where ${sql(key)} = ${no} and state = ${BATCH.signed} and attempts = ${attempt}`;
  return raised.count === 1;
}

/** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
export async function noteConfirmed(
  { sql }: Transaction,
  { things, attempts, key }: SentTables,
  { no, attempt }: AttemptName,
  block: bigint | undefined,
): Promise<void> {
  await moved(sql`
    update ${sql(attempts)} set confirmed_block = ${block ?? null}
    where ${sql(key)} = ${no} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
  await moved(sql`
    update ${sql(things)}
    set state = ${block === undefined ? BATCH.broadcast : BATCH.confirmed}
    where ${sql(key)} = ${no} and state between ${BATCH.signed} and ${BATCH.confirmed}
      and attempts = ${attempt}`);
}

/** Back to PLANNED: the open attempt has ended without effect, another may be signed. */
export async function endAttempt(
  { sql }: Transaction,
  { things, attempts, key }: SentTables,
  { no, attempt }: AttemptName,
  outcome: number,
): Promise<void> {
  await moved(sql`
    update ${sql(attempts)} set outcome = ${outcome}
    where ${sql(key)} = ${no} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
  await moved(sql`
    update ${sql(things)} set state = ${BATCH.planned}
    where ${sql(key)} = ${no} and state < ${BATCH.solidified} and attempts = ${attempt}`);
}

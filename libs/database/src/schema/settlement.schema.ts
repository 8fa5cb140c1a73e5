import { integer, pgSchema, smallint, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';

/** The schema of the settlement service. */
export const settlement = pgSchema('settlement');

/** What is stored of each transaction that was signed for a batch, an epoch or a release. */
export const attemptColumns = {
  attempt: integer('attempt').notNull(),
  txid: bytea('txid').notNull(),
  raw: bytea('raw').notNull(),
  signed: bytea('signed').notNull(),
  feeLimitSun: int8('fee_limit_sun').notNull(),
  expirationMs: int8('expiration_ms').notNull(),
  signedAtMs: int8('signed_at_ms').notNull(),
  broadcasts: integer('broadcasts').notNull().default(0),
  lastBroadcastAtMs: int8('last_broadcast_at_ms'),
  refusal: text('refusal').notNull().default(''),
  confirmedBlock: int8('confirmed_block'),
  outcome: smallint('outcome').notNull().default(0),
};

import { integer, pgSchema, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';

/** Tables of the auction service; migrations/0002_market.sql creates them and says what they mean. */
export const market = pgSchema('market');

export const logOffsets = market.table(
  'log_offsets',
  {
    topic: text('topic').notNull(),
    part: smallint('part').notNull(),
    nextOffset: int8('next_offset').notNull(),
    epoch: int8('epoch').notNull().default(0n),
  },
  (table) => [primaryKey({ columns: [table.topic, table.part] })],
);

/** What the offsets are positions of; see migrations/0006_log_sources.sql. */
export const logSources = market.table('log_sources', {
  topic: text('topic').primaryKey(),
  clusterId: text('cluster_id'),
  lost: text('lost'),
});

export const orders = market.table('orders', {
  orderId: bytea('order_id').primaryKey(),
  part: smallint('part').notNull(),
  contentHash: bytea('content_hash').notNull(),
  side: smallint('side').notNull(),
  owner: text('owner').notNull(),
  swarm: bytea('swarm').notNull(),
  slots: integer('slots').notNull(),
  slotsOpen: integer('slots_open').notNull(),
  slotRateMib: integer('slot_rate_mib').notNull(),
  priceUnits: int8('price_units').notNull(),
  volumeMib: int8('volume_mib').notNull(),
  budgetUnits: int8('budget_units').notNull(),
  state: smallint('state').notNull(),
  atMs: int8('at_ms').notNull(),
  expiresAtMs: int8('expires_at_ms').notNull(),
});

export const rounds = market.table('rounds', {
  roundNo: int8('round_no').primaryKey(),
  part: smallint('part').notNull(),
  swarm: bytea('swarm').notNull(),
  clearedAtMs: int8('cleared_at_ms').notNull(),
  priceUnits: int8('price_units').notNull(),
  slotsMatched: integer('slots_matched').notNull(),
  transcript: text('transcript').notNull(),
  transcriptHash: bytea('transcript_hash').notNull(),
});

export const matches = market.table('matches', {
  matchId: bytea('match_id').primaryKey(),
  roundNo: int8('round_no').notNull(),
  line: integer('line').notNull(),
  askId: bytea('ask_id').notNull(),
  bidId: bytea('bid_id').notNull(),
  provider: text('provider').notNull(),
  requester: text('requester').notNull(),
  swarm: bytea('swarm').notNull(),
  priceUnits: int8('price_units').notNull(),
  volumeMib: int8('volume_mib').notNull(),
  slotRateMib: integer('slot_rate_mib').notNull(),
  channelId: bytea('channel_id').notNull(),
  depositUnits: int8('deposit_units').notNull(),
});

export const outbox = market.table('outbox', {
  eventNo: int8('event_no').primaryKey().generatedAlwaysAsIdentity(),
  topic: text('topic').notNull(),
  part: integer('part').notNull(),
  key: bytea('key').notNull(),
  value: bytea('value').notNull(),
});

export const quarantine = market.table('quarantine', {
  quarantineNo: int8('quarantine_no').primaryKey().generatedAlwaysAsIdentity(),
  topic: text('topic').notNull(),
  part: smallint('part').notNull(),
  logOffset: int8('log_offset').notNull(),
  reason: text('reason').notNull(),
  content: bytea('content').notNull(),
  atMs: int8('at_ms').notNull(),
});

/** Decisions that a log begins anew; see migrations/0014_epochs.sql. */
export const logRestarts = market.table(
  'log_restarts',
  {
    topic: text('topic').notNull(),
    part: smallint('part').notNull(),
    expectedOffset: int8('expected_offset').notNull(),
    nextOffset: int8('next_offset').notNull(),
    clusterId: text('cluster_id').notNull(),
    atMs: int8('at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.part, table.atMs] })],
);

import { boolean, integer, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';
import { attemptColumns, settlement } from './settlement.schema.js';

/** Epochs; migrations/0014_epochs.sql says what the columns of these tables mean. */
export const epochs = settlement.table('epochs', {
  epochNo: int8('epoch_no').primaryKey(),
  buildNo: int8('build_no').notNull(),
  state: smallint('state').notNull().default(1),
  atMs: int8('at_ms').notNull(),
  secret: bytea('secret').notNull(),
  root: bytea('root').notNull(),
  totalUnits: int8('total_units').notNull(),
  leaves: integer('leaves').notNull(),
  flushNos: int8('flush_nos').array().notNull(),
  operations: int8('operations').array().notNull(),
  trc20ReserveUnits: int8('trc20_reserve_units').notNull(),
  trc10ReserveUnits: int8('trc10_reserve_units').notNull(),
  paidUnits: int8('paid_units').notNull(),
  attempts: integer('attempts').notNull().default(0),
  txid: bytea('txid'),
  energyUsed: int8('energy_used').notNull().default(0n),
  feeSun: int8('fee_sun').notNull().default(0n),
  failure: text('failure').notNull().default(''),
  solidifiedAtMs: int8('solidified_at_ms'),
});

export const epochLeaves = settlement.table(
  'epoch_leaves',
  {
    buildNo: int8('build_no').notNull(),
    kind: smallint('kind').notNull(),
    chunkNo: integer('chunk_no').notNull(),
    firstKey: text('first_key').notNull(),
    leaves: bytea('leaves').notNull(),
  },
  (table) => [primaryKey({ columns: [table.buildNo, table.kind, table.chunkNo] })],
);

export const epochNodes = settlement.table(
  'epoch_nodes',
  {
    buildNo: int8('build_no').notNull(),
    level: smallint('level').notNull(),
    chunkNo: integer('chunk_no').notNull(),
    firstHash: bytea('first_hash').notNull(),
    nodes: bytea('nodes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.buildNo, table.level, table.chunkNo] })],
);

export const epochPayouts = settlement.table(
  'epoch_payouts',
  {
    epochNo: int8('epoch_no').notNull(),
    withdrawalId: bytea('withdrawal_id').notNull(),
    batchNo: int8('batch_no').notNull(),
    line: integer('line').notNull(),
    inTree: boolean('in_tree').notNull(),
  },
  (table) => [primaryKey({ columns: [table.epochNo, table.withdrawalId] })],
);

export const epochBatches = settlement.table(
  'epoch_batches',
  { epochNo: int8('epoch_no').notNull(), batchNo: int8('batch_no').notNull() },
  (table) => [primaryKey({ columns: [table.epochNo, table.batchNo] })],
);

export const epochAttempts = settlement.table(
  'epoch_attempts',
  {
    epochNo: int8('epoch_no').notNull(),
    ...attemptColumns,
  },
  (table) => [primaryKey({ columns: [table.epochNo, table.attempt] })],
);

export const epochStrays = settlement.table(
  'epoch_strays',
  { epochNo: int8('epoch_no').notNull(), batchNo: int8('batch_no').notNull() },
  (table) => [primaryKey({ columns: [table.epochNo, table.batchNo] })],
);

/** Sets of payouts that are fetched; migrations/0018_claims.sql says what the columns of these tables mean. */
export const claimedLines = settlement.table(
  'claimed_lines',
  {
    chainBatchId: bytea('chain_batch_id').notNull(),
    line: integer('line').notNull(),
    txid: bytea('txid').notNull(),
    blockNumber: int8('block_number').notNull(),
    booked: boolean('booked').notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.chainBatchId, table.line] })],
);

export const claimReleases = settlement.table('claim_releases', {
  chainBatchId: bytea('chain_batch_id').primaryKey(),
  txid: bytea('txid').notNull(),
  units: int8('units').notNull(),
  blockNumber: int8('block_number').notNull(),
});

export const claimSets = settlement.table('claim_sets', {
  batchNo: int8('batch_no').primaryKey(),
  state: smallint('state').notNull().default(1),
  attempts: integer('attempts').notNull().default(0),
  overAtMs: int8('over_at_ms'),
});

export const releaseAttempts = settlement.table(
  'release_attempts',
  {
    batchNo: int8('batch_no').notNull(),
    ...attemptColumns,
  },
  (table) => [primaryKey({ columns: [table.batchNo, table.attempt] })],
);

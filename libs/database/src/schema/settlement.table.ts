import { boolean, integer, numeric, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';
import { attemptColumns, settlement } from './settlement.schema.js';

// Tables of the settlement service; migrations/0003_settlement.sql creates them and says what they mean.

export * from './epoch.table.js';

export const cursor = settlement.table('cursor', {
  onlyRow: boolean('only_row').primaryKey().default(true),
  nextBlock: int8('next_block').notNull(),
  lastBlockId: text('last_block_id').notNull(),
  lastTimestampMs: int8('last_timestamp_ms').notNull(),
});

export const deposits = settlement.table(
  'deposits',
  {
    txid: bytea('txid').notNull(),
    index: integer('index').notNull(),
    asset: smallint('asset').notNull(),
    sender: text('sender').notNull(),
    account: text('account'),
    baseUnits: numeric('base_units', { precision: 78, scale: 0, mode: 'bigint' }).notNull(),
    units: int8('units').notNull(),
    state: smallint('state').notNull(),
    suspense: boolean('suspense').notNull(),
    note: text('note').notNull().default(''),
    blockNumber: int8('block_number').notNull(),
    seenAtMs: int8('seen_at_ms').notNull(),
    bookedAtMs: int8('booked_at_ms'),
  },
  (table) => [primaryKey({ columns: [table.txid, table.index] })],
);

/** What operators have decided; see migrations/0012_money_in_and_out.sql. */
export const resolutions = settlement.table('resolutions', {
  resolutionId: bytea('resolution_id').primaryKey(),
  txid: bytea('txid').notNull(),
  index: integer('index').notNull(),
  account: text('account'),
  reason: text('reason').notNull(),
  operator: text('operator').notNull(),
  decidedAtMs: int8('decided_at_ms').notNull(),
});

export const foreignTokens = settlement.table(
  'foreign_tokens',
  {
    token: text('token').notNull(),
    recipient: text('recipient').notNull(),
    transfers: int8('transfers').notNull(),
    lastTxid: bytea('last_txid').notNull(),
    lastSender: text('last_sender').notNull(),
    lastBaseUnits: numeric('last_base_units', {
      precision: 78,
      scale: 0,
      mode: 'bigint',
    }).notNull(),
    lastBlock: int8('last_block').notNull(),
    firstSeenAtMs: int8('first_seen_at_ms').notNull(),
    dismissed: boolean('dismissed').notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.token, table.recipient] })],
);

export const ownTransactions = settlement.table('own_transactions', {
  txid: bytea('txid').primaryKey(),
  blockNumber: int8('block_number').notNull(),
  succeeded: boolean('succeeded').notNull(),
  result: text('result').notNull(),
  energyUsed: int8('energy_used').notNull(),
  feeSun: int8('fee_sun').notNull(),
  unexplained: boolean('unexplained').notNull(),
});

/** What operators say of those that are unexplained; see migrations/0019_explained.sql. */
export const explanations = settlement.table('explanations', {
  txid: bytea('txid').primaryKey(),
  operator: text('operator').notNull(),
  reason: text('reason').notNull(),
  explainedAtMs: int8('explained_at_ms').notNull(),
  hash: bytea('hash').notNull(),
});

/** Hot wallets that there were; see migrations/0020_hot_wallets.sql. */
export const hotWallets = settlement.table('hot_wallets', {
  walletNo: int8('wallet_no').primaryKey().generatedAlwaysAsIdentity(),
  address: text('address').notNull(),
  sinceBlock: int8('since_block').notNull(),
});

export const vaultPayments = settlement.table('vault_payments', {
  chainBatchId: bytea('chain_batch_id').primaryKey(),
  txid: bytea('txid').notNull(),
  blockNumber: int8('block_number').notNull(),
  toClaim: boolean('to_claim').notNull().default(false),
});

export const failedLines = settlement.table(
  'failed_lines',
  { chainBatchId: bytea('chain_batch_id').notNull(), line: integer('line').notNull() },
  (table) => [primaryKey({ columns: [table.chainBatchId, table.line] })],
);

export const batches = settlement.table('batches', {
  batchNo: int8('batch_no').primaryKey().generatedAlwaysAsIdentity(),
  asset: smallint('asset').notNull(),
  state: smallint('state').notNull().default(1),
  chainBatchId: bytea('chain_batch_id'),
  payouts: integer('payouts').notNull(),
  totalUnits: int8('total_units').notNull(),
  attempts: integer('attempts').notNull().default(0),
  txid: bytea('txid'),
  energyUsed: int8('energy_used').notNull().default(0n),
  feeSun: int8('fee_sun').notNull().default(0n),
  failure: text('failure').notNull().default(''),
  plannedAtMs: int8('planned_at_ms').notNull(),
  solidifiedAtMs: int8('solidified_at_ms'),
  needsApproval: boolean('needs_approval').notNull().default(false),
  approved: boolean('approved'),
  decidedBy: text('decided_by'),
  decidedAtMs: int8('decided_at_ms'),
  decisionNote: text('decision_note').notNull().default(''),
  leavingAtMs: int8('leaving_at_ms'),
  toClaim: boolean('to_claim').notNull().default(false),
  claimableUntilS: int8('claimable_until_s'),
});

export const payouts = settlement.table('payouts', {
  withdrawalId: bytea('withdrawal_id').primaryKey(),
  payoutNo: int8('payout_no').generatedAlwaysAsIdentity(),
  asset: smallint('asset').notNull(),
  account: text('account').notNull(),
  destination: text('destination').notNull(),
  units: int8('units').notNull(),
  state: smallint('state').notNull(),
  batchNo: int8('batch_no'),
  failures: integer('failures').notNull().default(0),
  failure: text('failure').notNull().default(''),
  reportState: smallint('report_state').notNull(),
  reportedState: smallint('reported_state').notNull().default(0),
  reportTxid: text('report_txid').notNull().default(''),
  note: text('note').notNull().default(''),
  reportedNote: text('reported_note').notNull().default(''),
  requestedAtMs: int8('requested_at_ms').notNull(),
  updatedAtMs: int8('updated_at_ms').notNull(),
  toClaim: boolean('to_claim').notNull().default(false),
  batchMax: integer('batch_max'),
});

export const batchPayouts = settlement.table(
  'batch_payouts',
  {
    batchNo: int8('batch_no').notNull(),
    line: integer('line').notNull(),
    withdrawalId: bytea('withdrawal_id').notNull(),
    destination: text('destination').notNull(),
    units: int8('units').notNull(),
  },
  (table) => [primaryKey({ columns: [table.batchNo, table.line] })],
);

export const attempts = settlement.table(
  'attempts',
  {
    batchNo: int8('batch_no').notNull(),
    ...attemptColumns,
  },
  (table) => [primaryKey({ columns: [table.batchNo, table.attempt] })],
);

export const stateCounts = settlement.table(
  'state_counts',
  {
    source: text('source').notNull(),
    state: smallint('state').notNull(),
    rows: int8('rows').notNull().default(0n),
    payouts: int8('payouts').notNull().default(0n),
    energyUsed: int8('energy_used').notNull().default(0n),
    feeSun: int8('fee_sun').notNull().default(0n),
  },
  (table) => [primaryKey({ columns: [table.source, table.state] })],
);

export const batchSeals = settlement.table(
  'batch_seals',
  {
    batchNo: int8('batch_no').notNull(),
    ended: boolean('ended').notNull(),
    hash: bytea('hash').notNull(),
    decided: boolean('decided').notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.batchNo, table.ended, table.decided] })],
);

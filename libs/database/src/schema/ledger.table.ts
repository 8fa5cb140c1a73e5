import { boolean, integer, pgSchema, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';

/** Tables of the balance service; migrations/0001_ledger.sql creates them and says what they mean. */
export const ledger = pgSchema('ledger');

export const accounts = ledger.table('accounts', {
  accountNo: int8('account_no').primaryKey().generatedAlwaysAsIdentity(),
  address: text('address').notNull(),
  publicKey: bytea('public_key'),
  createdAtMs: int8('created_at_ms').notNull(),
});

export const balances = ledger.table(
  'balances',
  {
    part: smallint('part').notNull(),
    accountNo: int8('account_no').notNull(),
    units: int8('units').notNull(),
  },
  (table) => [primaryKey({ columns: [table.part, table.accountNo] })],
);

export const channels = ledger.table(
  'channels',
  {
    part: smallint('part').notNull(),
    channelNo: int8('channel_no').notNull(),
    channelId: bytea('channel_id').notNull(),
    termsHash: bytea('terms_hash').notNull(),
    payerNo: int8('payer_no').notNull(),
    payeeNo: int8('payee_no').notNull(),
    depositUnits: int8('deposit_units').notNull(),
    cumulativeUnits: int8('cumulative_units').notNull().default(0n),
    state: smallint('state').notNull().default(1),
    openedAtMs: int8('opened_at_ms').notNull(),
    closesAtMs: int8('closes_at_ms'),
    closingPublishedAtMs: int8('closing_published_at_ms'),
    finalizeSentAtMs: int8('finalize_sent_at_ms'),
    tickChainEnd: bytea('tick_chain_end'),
    tickValueUnits: int8('tick_value_units'),
    ticksMax: int8('ticks_max'),
    tickBaseUnits: int8('tick_base_units').notNull().default(0n),
    tickIndex: int8('tick_index').notNull().default(0n),
    tickPreimage: bytea('tick_preimage'),
    claimKind: smallint('claim_kind'),
    claimDetail: int8('claim_detail'),
    claimProof: bytea('claim_proof'),
    matchId: bytea('match_id'),
    sessionKeyNo: int8('session_key_no'),
  },
  (table) => [primaryKey({ columns: [table.part, table.channelNo] })],
);

/** Keys that may open channels for an account; see migrations/0015_session_keys.sql. */
export const sessionKeys = ledger.table('session_keys', {
  sessionKeyNo: int8('session_key_no').primaryKey().generatedAlwaysAsIdentity(),
  accountNo: int8('account_no').notNull(),
  address: text('address').notNull(),
  publicKey: bytea('public_key').notNull(),
  capUnits: int8('cap_units').notNull(),
  usedUnits: int8('used_units').notNull().default(0n),
  expiresAtMs: int8('expires_at_ms').notNull(),
  validUntilMs: int8('valid_until_ms').notNull(),
  signature: bytea('signature').notNull(),
  delegatedAtMs: int8('delegated_at_ms').notNull(),
  revokedAtMs: int8('revoked_at_ms'),
  revocationValidUntilMs: int8('revocation_valid_until_ms'),
  revocationSignature: bytea('revocation_signature'),
});

export const tickCommitments = ledger.table(
  'tick_commitments',
  {
    part: smallint('part').notNull(),
    channelNo: int8('channel_no').notNull(),
    baseUnits: int8('base_units').notNull(),
    chainEnd: bytea('chain_end').notNull(),
    tickValueUnits: int8('tick_value_units').notNull(),
    ticksMax: int8('ticks_max').notNull(),
    validUntilMs: int8('valid_until_ms'),
    signature: bytea('signature'),
    committedAtMs: int8('committed_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.part, table.channelNo, table.baseUnits] })],
);

export const journal = ledger.table('journal', {
  atMs: int8('at_ms').notNull(),
  part: smallint('part').notNull(),
  entryNo: int8('entry_no').notNull(),
  line: integer('line').notNull(),
  kind: smallint('kind').notNull(),
  debitKind: smallint('debit_kind').notNull(),
  debitNo: int8('debit_no').notNull(),
  creditKind: smallint('credit_kind').notNull(),
  creditNo: int8('credit_no').notNull(),
  units: int8('units').notNull(),
  reference: bytea('reference'),
});

export const bundles = ledger.table(
  'bundles',
  {
    part: smallint('part').notNull(),
    bundleNo: int8('bundle_no').notNull(),
    channels: integer('channels').notNull(),
    validUntilMs: int8('valid_until_ms').notNull(),
    signature: bytea('signature').notNull(),
    entries: bytea('entries').notNull(),
  },
  (table) => [primaryKey({ columns: [table.part, table.bundleNo] })],
);

export const unsealedOperations = ledger.table('unsealed_operations', {
  operationNo: int8('operation_no').primaryKey(),
  atMs: int8('at_ms').notNull(),
});

export const flushes = ledger.table(
  'flushes',
  {
    part: smallint('part').notNull(),
    flushNo: int8('flush_no').notNull(),
    firstOffset: int8('first_offset').notNull(),
    nextOffset: int8('next_offset').notNull(),
    operations: int8('operations').array().notNull(),
    atMs: int8('at_ms').notNull(),
    postings: int8('postings').notNull(),
    units: int8('units').notNull(),
    totalPostings: int8('total_postings').notNull(),
    totalOpened: int8('total_opened').notNull(),
    totalClosed: int8('total_closed').notNull(),
    totalNetUnits: int8('total_net_units').array().notNull(),
    totalDepositedUnits: int8('total_deposited_units').array().notNull(),
    totalWithdrawnUnits: int8('total_withdrawn_units').array().notNull(),
    postingsHash: bytea('postings_hash').notNull(),
    prevHash: bytea('prev_hash').notNull(),
    hash: bytea('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.part, table.flushNo] })],
);

export const systemBalances = ledger.table(
  'system_balances',
  {
    kind: smallint('kind').notNull(),
    no: int8('no').notNull(),
    units: int8('units').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.no] })],
);

export const logOffsets = ledger.table(
  'log_offsets',
  {
    topic: text('topic').notNull(),
    part: smallint('part').notNull(),
    nextOffset: int8('next_offset').notNull(),
  },
  (table) => [primaryKey({ columns: [table.topic, table.part] })],
);

/** What the offsets are positions of; see migrations/0006_log_sources.sql. */
export const logSources = ledger.table('log_sources', {
  topic: text('topic').primaryKey(),
  clusterId: text('cluster_id'),
  lost: text('lost'),
});

export const quarantine = ledger.table('quarantine', {
  quarantineNo: int8('quarantine_no').primaryKey().generatedAlwaysAsIdentity(),
  topic: text('topic').notNull(),
  part: smallint('part').notNull(),
  logOffset: int8('log_offset').notNull(),
  line: integer('line').notNull(),
  reason: text('reason').notNull(),
  content: bytea('content').notNull(),
  atMs: int8('at_ms').notNull(),
});

export const transfers = ledger.table('transfers', {
  transferId: bytea('transfer_id').primaryKey(),
  contentHash: bytea('content_hash').notNull(),
  bookedAtMs: int8('booked_at_ms').notNull(),
});

export const holds = ledger.table('holds', {
  orderId: bytea('order_id').primaryKey(),
  holdNo: int8('hold_no').generatedAlwaysAsIdentity(),
  contentHash: bytea('content_hash').notNull(),
  accountNo: int8('account_no').notNull(),
  placedUnits: int8('placed_units').notNull(),
  units: int8('units').notNull(),
  released: boolean('released').notNull().default(false),
});

export const deposits = ledger.table(
  'deposits',
  {
    txid: bytea('txid').notNull(),
    index: integer('index').notNull(),
    asset: smallint('asset').notNull(),
    accountNo: int8('account_no'),
    units: int8('units').notNull(),
    blockNumber: int8('block_number').notNull(),
    creditedAtMs: int8('credited_at_ms').notNull(),
    resolvedAtMs: int8('resolved_at_ms'),
  },
  (table) => [primaryKey({ columns: [table.txid, table.index] })],
);

export const withdrawals = ledger.table('withdrawals', {
  withdrawalId: bytea('withdrawal_id').primaryKey(),
  withdrawalNo: int8('withdrawal_no').generatedAlwaysAsIdentity(),
  contentHash: bytea('content_hash').notNull(),
  accountNo: int8('account_no').notNull(),
  asset: smallint('asset').notNull(),
  destination: text('destination').notNull(),
  amountUnits: int8('amount_units').notNull(),
  feeUnits: int8('fee_units').notNull(),
  state: smallint('state').notNull(),
  failure: text('failure').notNull().default(''),
  txid: text('txid').notNull().default(''),
  requestedAtMs: int8('requested_at_ms').notNull(),
  updatedAtMs: int8('updated_at_ms').notNull(),
  note: text('note').notNull().default(''),
  toClaim: boolean('to_claim').notNull().default(false),
});

/** What was withdrawn by day; see migrations/0012_money_in_and_out.sql. */
export const withdrawalDays = ledger.table(
  'withdrawal_days',
  {
    day: integer('day').notNull(),
    accountNo: int8('account_no').notNull(),
    units: int8('units').notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.accountNo] })],
);

export const outbox = ledger.table('outbox', {
  eventNo: int8('event_no').primaryKey().generatedAlwaysAsIdentity(),
  topic: text('topic').notNull(),
  part: integer('part'),
  key: bytea('key').notNull(),
  value: bytea('value').notNull(),
  closingChannelNo: int8('closing_channel_no'),
});

/** Decisions that a log begins anew; see migrations/0014_epochs.sql. */
export const logRestarts = ledger.table(
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

import type { Target } from './flip.js';

// Of every column of every table that holds money, or says whose it is: either a changed bit of it is named by
// verify, or it says here why no bit of it could be.

const BATCH = "format('batch %s', batch_no)";

/** The batch of a failed line; none after a bit of its id is another. */
const BATCH_OF_LINE = `coalesce((select format('batch %s', b.batch_no) from settlement.batches b
  where b.chain_batch_id = failed_lines.chain_batch_id), 'none')`;

/** The epochs whose leaves are checked against the journal. */
const LAST = 'select max(epoch_no) from settlement.epochs where state = 5';
const CHANNELS = [
  'ledger.channels',
  'ledger.bundles',
  'ledger.balances',
  'settlement.epoch_leaves',
];
const BATCHES = [
  'settlement.batches',
  'settlement.attempts',
  'settlement.vault_payments',
  'settlement.batch_payouts',
  'settlement.batch_seals',
  'settlement.payouts',
  'settlement.state_counts',
];
const EPOCHS = [
  'settlement.epochs',
  'settlement.epoch_attempts',
  'settlement.epoch_leaves',
  'settlement.epoch_nodes',
  'settlement.epoch_payouts',
  'settlement.epoch_batches',
];

export const EVIDENCE: readonly Target[] = [
  {
    table: 'ledger.journal',
    key: "format('part %s, entry %s, line %s, at %s', part, entry_no, line, at_ms)",
    named: ['ledger.journal'],
  },
  {
    table: 'ledger.flushes',
    key: "format('part %s, flush %s', part, flush_no)",
    named: ['ledger.flushes'],
  },
  // An account without a row, or with a row of 0, owns nothing either way.
  {
    table: 'ledger.balances',
    where: 'units <> 0',
    key: "format('part %s, account %s', part, account_no)",
    named: ['ledger.balances'],
  },
  { table: 'ledger.system_balances', where: 'units <> 0', named: ['ledger.system_balances'] },
  {
    table: 'ledger.accounts',
    where: 'account_no in (select account_no from ledger.balances where units <> 0)',
    named: ['ledger.accounts', 'ledger.balances', 'settlement.deposits', 'settlement.epoch_leaves'],
  },
  { table: 'ledger.channels', named: CHANNELS },
  // Later commitments are signed; of one made at the opening only the end of the chain and what was claimed is known.
  {
    table: 'ledger.channels',
    columns: ['tick_value_units', 'ticks_max'],
    where: 'channel_no in (select channel_no from ledger.tick_commitments)',
    named: CHANNELS,
  },
  {
    table: 'ledger.channels',
    columns: ['terms_hash'],
    where: 'match_id is not null',
    named: ['ledger.channels'],
  },
  { table: 'ledger.tick_commitments', named: ['ledger.tick_commitments', 'ledger.channels'] },
  { table: 'ledger.bundles', named: ['ledger.bundles', 'ledger.channels'] },
  { table: 'ledger.holds', named: ['ledger.holds'] },
  {
    table: 'ledger.holds',
    columns: ['content_hash'],
    where: 'order_id in (select order_id from market.orders)',
    named: ['ledger.holds'],
  },
  { table: 'ledger.withdrawals', named: ['ledger.withdrawals'] },
  // One that was given back was refunded or cancelled, and the fee that it would have cost: its owner has all of it.
  {
    table: 'ledger.withdrawals',
    columns: ['state', 'fee_units', 'txid'],
    where: 'state = 7',
    named: ['ledger.withdrawals'],
  },
  { table: 'ledger.withdrawal_days', named: ['ledger.withdrawal_days'] },
  { table: 'ledger.deposits', named: ['ledger.deposits', 'settlement.deposits'] },
  { table: 'ledger.transfers', named: ['ledger.transfers'] },
  {
    table: 'ledger.log_offsets',
    where: "topic = 'vouchers'",
    named: ['ledger.log_offsets'],
  },
  { table: 'market.orders', named: ['market.orders', 'ledger.holds'] },
  { table: 'market.rounds', named: ['market.rounds', 'market.matches'] },
  { table: 'market.matches', named: ['market.matches', 'market.rounds'] },
  { table: 'settlement.cursor', named: ['settlement.cursor'] },
  {
    table: 'settlement.deposits',
    named: ['settlement.deposits', 'settlement.resolutions', 'settlement.state_counts'],
  },
  {
    table: 'settlement.deposits',
    columns: ['sender'],
    where: 'account is null and state = 2',
    named: ['settlement.deposits'],
  },
  // Dust below one unit stays with the vault and is nobody's; TRC-10 has none.
  {
    table: 'settlement.deposits',
    columns: ['base_units'],
    where: 'asset = 2',
    named: ['settlement.deposits'],
  },
  {
    table: 'settlement.resolutions',
    named: ['settlement.resolutions'],
  },
  {
    table: 'settlement.own_transactions',
    named: ['settlement.own_transactions', ...BATCHES, ...EPOCHS],
  },
  {
    table: 'settlement.vault_payments',
    named: ['settlement.vault_payments', 'settlement.batches'],
  },
  { table: 'settlement.failed_lines', key: BATCH_OF_LINE, named: ['settlement.failed_lines'] },
  { table: 'settlement.batches', key: BATCH, named: BATCHES },
  {
    table: 'settlement.batch_payouts',
    columns: ['withdrawal_id', 'destination', 'units'],
    key: "format('batch %s, line %s', batch_no, line)",
    named: BATCHES,
  },
  // A line that is another one's is missing in its batch.
  {
    table: 'settlement.batch_payouts',
    columns: ['batch_no', 'line'],
    key: BATCH,
    named: BATCHES,
  },
  { table: 'settlement.batch_seals', named: ['settlement.batch_seals', 'settlement.batches'] },
  {
    table: 'settlement.attempts',
    columns: ['attempt', 'txid', 'raw', 'signed', 'fee_limit_sun', 'expiration_ms'],
    key: "format('batch %s, attempt %s', batch_no, attempt)",
    named: ['settlement.attempts'],
  },
  // How many have paid is told of the batch.
  {
    table: 'settlement.attempts',
    columns: ['batch_no', 'outcome'],
    key: BATCH,
    named: ['settlement.attempts', 'settlement.batches'],
  },
  { table: 'settlement.payouts', named: [...BATCHES, 'ledger.withdrawals'] },
  {
    table: 'settlement.explanations',
    key: "encode(txid, 'hex')",
    named: ['settlement.explanations', 'settlement.own_transactions'],
  },
  { table: 'settlement.state_counts', where: 'rows > 0', named: ['settlement.state_counts'] },
  { table: 'settlement.epochs', where: 'state = 5', named: EPOCHS },
  {
    table: 'settlement.epochs',
    columns: ['flush_nos', 'operations'],
    where: `epoch_no = (${LAST})`,
    named: EPOCHS,
  },
  { table: 'settlement.epoch_leaves', named: EPOCHS },
  { table: 'settlement.epoch_nodes', named: EPOCHS },
  { table: 'settlement.epoch_payouts', named: EPOCHS },
  { table: 'settlement.epoch_payouts', columns: ['epoch_no'], where: 'in_tree', named: EPOCHS },
  { table: 'settlement.epoch_batches', named: EPOCHS },
  { table: 'settlement.epoch_attempts', named: EPOCHS },
];

const OUR_CLOCK = 'a time by our own clock that moves no money';
const TEXT = 'a text for people';
const TIMER = 'when to go on with a closing; the log decides what counted';
const COUNTER = 'counts tries; the bytes that were tried are checked';
const MOMENT = 'what was read at that moment; the chain has moved on';
const CLAIMS = 'sets of payouts that are claimed: this ledger has none, claim-sets.int.spec.ts has';
const FENCE =
  'a fence against a log that was lost, which Kafka itself is compared with at every start';

/** Tables and columns of which no bit is evidence of money, and why. A target of its own may still cover some rows. */
export const NO_EVIDENCE: Readonly<Record<string, string>> = {
  'ledger.accounts.created_at_ms': OUR_CLOCK,
  'ledger.channels.terms_hash': 'tells a repeated request from another one; its salt is not kept',
  'ledger.channels.closes_at_ms': TIMER,
  'ledger.channels.closing_published_at_ms': TIMER,
  'ledger.channels.finalize_sent_at_ms': TIMER,
  'ledger.channels.tick_value_units':
    'before a tick was claimed nothing else tells what the opening said',
  'ledger.channels.ticks_max': 'nothing else tells what the opening said',
  'ledger.holds.content_hash': 'of a bid that the market does not know',
  'ledger.log_restarts': 'an excuse for an offset that goes back; without one it excuses nothing',
  'ledger.log_sources': FENCE,
  'ledger.outbox': 'news that is published within a second and then gone',
  'ledger.quarantine': 'what was never booked; it raises an alarm',
  'ledger.session_keys': 'has a test of its own (session-keys.int.spec.ts)',
  'ledger.tick_commitments.committed_at_ms': OUR_CLOCK,
  'ledger.withdrawals.failure': TEXT,
  'ledger.withdrawals.note': TEXT,
  'ledger.withdrawals.state': 'between asked for and ended it only tells how far settlement is',
  'ledger.withdrawals.fee_units': 'of one that was given back',
  'ledger.withdrawals.txid': 'of one that was not paid',
  'ledger.withdrawals.updated_at_ms': OUR_CLOCK,
  'market.log_offsets': FENCE,
  'market.log_restarts': 'an excuse for an offset that goes back; without one it excuses nothing',
  'market.log_sources': FENCE,
  'market.orders.at_ms': OUR_CLOCK,
  'market.outbox': 'news that is published within a second and then gone',
  'market.quarantine': 'what was never booked; it raises an alarm',
  'settlement.attempts.broadcasts': COUNTER,
  'settlement.attempts.confirmed_block': 'a block that may still be undone',
  'settlement.attempts.last_broadcast_at_ms': OUR_CLOCK,
  'settlement.attempts.refusal': TEXT,
  'settlement.attempts.signed_at_ms': OUR_CLOCK,
  'settlement.batches.leaving_at_ms': OUR_CLOCK,
  'settlement.claim_releases': CLAIMS,
  'settlement.claim_sets': CLAIMS,
  'settlement.claimed_lines': CLAIMS,
  'settlement.release_attempts': CLAIMS,
  'settlement.deposits.base_units': 'dust below one unit',
  'settlement.deposits.booked_at_ms': OUR_CLOCK,
  'settlement.deposits.note': TEXT,
  'settlement.deposits.seen_at_ms': OUR_CLOCK,
  'settlement.deposits.sender': 'of a deposit for another account it is only shown',
  'settlement.epoch_attempts.broadcasts': COUNTER,
  'settlement.epoch_attempts.confirmed_block': 'a block that may still be undone',
  'settlement.epoch_attempts.last_broadcast_at_ms': OUR_CLOCK,
  'settlement.epoch_attempts.refusal': TEXT,
  'settlement.epoch_attempts.signed_at_ms': OUR_CLOCK,
  'settlement.epoch_payouts.epoch_no': 'of one that is paid and in no leaf',
  'settlement.epoch_strays': 'a mark that a batch gets no epoch; without it the batch waits',
  'settlement.epochs.at_ms': OUR_CLOCK,
  'settlement.epochs.failure': TEXT,
  'settlement.epochs.flush_nos': 'of earlier epochs; they may not go back',
  'settlement.epochs.operations': 'of earlier epochs',
  'settlement.epochs.paid_units': MOMENT,
  'settlement.epochs.solidified_at_ms': OUR_CLOCK,
  'settlement.epochs.trc10_reserve_units': MOMENT,
  'settlement.epochs.trc20_reserve_units': MOMENT,
  'settlement.foreign_tokens': 'tokens that do not back the ledger',
  'settlement.hot_wallets': 'whose transfers in count as the ledger’s own from then on',
  'settlement.payouts.batch_max': 'bounds its next batch',
  'settlement.payouts.failure': TEXT,
  'settlement.payouts.failures': COUNTER,
  'settlement.payouts.note': TEXT,
  'settlement.payouts.payout_no': 'the order of those that wait',
  'settlement.payouts.reported_note': TEXT,
  'settlement.payouts.reported_state': 'what is told again changes nothing',
  'settlement.payouts.updated_at_ms': OUR_CLOCK,
  'settlement.resolutions.decided_at_ms': OUR_CLOCK,
  'settlement.resolutions.operator': 'only the row tells who decided',
  'settlement.resolutions.reason': TEXT,
  'settlement.resolutions.resolution_id': 'a name that its maker chose',
};

/** Columns that no row of the test's ledger fills: nothing can be changed there. */
export const UNFILLED: readonly string[] = [
  'ledger.channels.session_key_no',
  'ledger.unsealed_operations.at_ms',
  'ledger.unsealed_operations.operation_no',
  'settlement.batches.claimable_until_s',
  'settlement.epochs.operations',
];

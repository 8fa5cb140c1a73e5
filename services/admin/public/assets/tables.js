import {
  formatAge,
  formatAsset,
  formatBytes,
  formatDuration,
  formatInteger,
  formatShare,
  formatSun,
  formatUnits,
  shorten,
  unitsTitle,
} from './format.js';

/** Rows of the page's tables, as cells for `fillRows`. Pure: snapshot in, cells out. */

const amount = (units) => ({ text: formatUnits(units), title: unitsTitle(units), kind: 'num' });
const count = (value) => ({ text: formatInteger(value), kind: 'num' });
const hash = (text) => ({
  text: text === '' ? '–' : shorten(text),
  title: text,
  kind: 'mono keep',
});
const age = (atMs, nowMs) => ({
  text: formatAge(atMs, nowMs),
  title: new Date(Number(atMs)).toISOString(),
  kind: 'keep',
});
const state = (text, failure, pill) => ({
  text: failure === '' ? text : `${text}: ${failure}`,
  title: failure,
  pill,
});

/** Where the ledger's units are: name, amount field, colour. */
const PLACES = [
  ['Available', 'availableUnits', 'c1'],
  ['In channels', 'inChannelsUnits', 'c2'],
  ['Held by bids', 'heldUnits', 'c3'],
  ['Withdrawing', 'withdrawingUnits', 'c4'],
  ['Fees', 'feesUnits', 'c5'],
  ['Suspense', 'suspenseUnits', 'c6'],
];

export function places(totals) {
  const whole = PLACES.reduce((sum, [, field]) => sum + BigInt(totals[field]), 0n);
  return PLACES.map(([name, field, colour]) => ({
    name,
    colour,
    units: totals[field],
    share: formatShare(totals[field], whole),
  }));
}

/** Everything the ledger owes somebody, in units. */
export function inLedger(totals) {
  return PLACES.reduce((sum, [, field]) => sum + BigInt(totals[field]), 0n).toString();
}

export function placeRows(totals) {
  return places(totals).map(({ name, colour, units, share }) => [
    { text: name, header: true, swatch: colour },
    amount(units),
    { text: share, kind: 'num' },
  ]);
}

export function flowRows(totals, settlement) {
  const reserves = new Map(
    (settlement?.reserves ?? []).map(({ asset, reserveUnits }) => [asset, reserveUnits]),
  );
  return totals.assets.map(({ asset, depositedUnits, withdrawnUnits }) => [
    { text: formatAsset(asset), header: true },
    amount(depositedUnits),
    amount(withdrawnUnits),
    reserves.has(asset) ? amount(reserves.get(asset)) : { text: '–', kind: 'num' },
  ]);
}

export function clusterRows(snapshot) {
  const services = Object.entries(snapshot.services).map(([name, view]) =>
    serviceRow(name, view, snapshot.atMs),
  );
  const { postgres, logEnds } = snapshot;
  return [
    ...services,
    serverRow('Postgres', postgres, 'answers queries', postgres.value?.version),
    serverRow('Kafka', logEnds, `${logEnds.value?.length ?? 0} voucher partitions`),
  ];
}

function serviceRow(name, view, nowMs) {
  const { value } = view;
  const up = view.state === 'ok';
  const failing = Object.entries(value?.checks ?? {}).filter(([, text]) => text !== 'ok');
  const checks = Object.keys(value?.checks ?? {});
  const wrong = failing.map(([check, text]) => `${check}: ${text}`).join('; ');
  const detail = up ? wrong || checks.join(', ') : (view.failure ?? 'asking');
  return [
    { text: name, header: true },
    up && value.ready
      ? { text: 'ready', pill: 'good' }
      : { text: stateOf(view, 'not ready'), pill: up ? 'warn' : pillOf(view) },
    { text: detail, kind: wrong || !up ? 'wrap' : 'wrap muted' },
    value?.startedAtMs && up
      ? { text: formatDuration(nowMs - value.startedAtMs), kind: 'num' }
      : { text: '–', kind: 'num' },
    value?.memoryBytes && up
      ? { text: formatBytes(value.memoryBytes), kind: 'num' }
      : { text: '–', kind: 'num' },
    { text: (up && value.version) || '–' },
  ];
}

function serverRow(name, view, detail, version) {
  const up = view.state === 'ok';
  return [
    { text: name, header: true },
    up ? { text: 'ready', pill: 'good' } : { text: stateOf(view, ''), pill: pillOf(view) },
    { text: up ? detail : (view.failure ?? 'asking'), kind: up ? 'wrap muted' : 'wrap' },
    { text: '–', kind: 'num' },
    { text: '–', kind: 'num' },
    { text: version ?? '–' },
  ];
}

function stateOf(view, whenUp) {
  if (view.state === 'ok') return whenUp;
  return view.state === 'pending' ? 'asking' : 'no answer';
}

function pillOf(view) {
  return view.state === 'pending' ? 'pending' : 'bad';
}

const BATCH_PILLS = { solidified: 'good', failed: 'bad' };

export function batchRows(batches, nowMs) {
  return batches.map((batch) => [
    { text: formatInteger(batch.batchNo), header: true },
    state(batchState(batch), batch.failure, BATCH_PILLS[batch.state] ?? 'warn'),
    { text: formatAsset(batch.asset), kind: 'keep' },
    count(batch.payouts),
    amount(batch.totalUnits),
    hash(batch.txid),
    age(batch.plannedAtMs, nowMs),
  ]);
}

// A set of claims is on chain, or will be; whether all of it was claimed is not in the list.
function batchState({ state: name, claimableUntilMs }) {
  if (claimableUntilMs === '0') return name;
  return `${name}, claims until ${new Date(Number(claimableUntilMs)).toISOString().slice(0, 16)}Z`;
}

const WAYS = { single: 'single transfer', batch: 'vault batch', claim: 'claims' };

export function undecidedRows(undecided, nowMs) {
  return undecided.map((batch) => [
    { text: formatInteger(batch.batchNo), header: true },
    { text: WAYS[batch.way] ?? batch.way, kind: 'keep' },
    { text: formatAsset(batch.asset), kind: 'keep' },
    count(batch.payouts),
    amount(batch.totalUnits),
    { text: formatSun(batch.feeSun), title: `${formatInteger(batch.feeSun)} sun`, kind: 'num' },
    age(batch.plannedAtMs, nowMs),
  ]);
}

export function payeeRows(payees) {
  return payees.map(({ destination, units }) => [
    { text: destination, kind: 'mono wrap' },
    amount(units),
  ]);
}

export function runRows(batches) {
  return batches.map((batch) => [
    { text: formatAsset(batch.asset), header: true },
    count(batch.payouts),
    amount(batch.totalUnits),
  ]);
}

export function depositRows(deposits, nowMs) {
  return deposits.map((deposit) => [
    deposit.account === '' ? { text: 'suspense', pill: 'warn' } : hash(deposit.account),
    { text: formatAsset(deposit.asset), kind: 'keep' },
    amount(deposit.units),
    age(deposit.creditedAtMs, nowMs),
  ]);
}

const WITHDRAWAL_PILLS = { solidified: 'good', refunded: 'bad', cancelled: 'pending' };

export function withdrawalRows(withdrawals, nowMs) {
  return withdrawals.map((withdrawal) => [
    hash(withdrawal.destination),
    state(withdrawal.state, withdrawal.failure, WITHDRAWAL_PILLS[withdrawal.state] ?? 'warn'),
    amount(withdrawal.amountUnits),
    age(withdrawal.requestedAtMs, nowMs),
  ]);
}

export function roundRows(rounds, nowMs) {
  return rounds.map((round) => [
    { text: formatInteger(round.roundNo), header: true },
    hash(round.swarm),
    count(round.slotsMatched),
    round.slotsMatched === 0 ? { text: '–', kind: 'num' } : amount(round.priceUnits),
    age(round.clearedAtMs, nowMs),
  ]);
}

export function auditRows(audit, nowMs) {
  return audit.map((row) => [
    age(row.atMs, nowMs),
    { text: `${row.actor} (${row.address})`, kind: 'wrap' },
    { text: row.action, kind: 'keep' },
    { text: row.outcome, title: row.detail, kind: 'wrap' },
  ]);
}

export function heldRows(held, nowMs) {
  return held.map((row) => [
    { text: row.kind, title: row.id, header: true },
    { text: row.state, pill: row.state === 'held' ? 'bad' : 'warn' },
    hash(row.account),
    { text: formatAsset(row.asset), kind: 'keep' },
    amount(row.units),
    { text: row.reason, kind: 'wrap' },
    age(row.sinceMs, nowMs),
  ]);
}

export function quarantineRows(quarantine) {
  return quarantine.latest.map(({ place, reason }) => [
    { text: place, kind: 'mono keep' },
    { text: reason, kind: 'wrap' },
  ]);
}

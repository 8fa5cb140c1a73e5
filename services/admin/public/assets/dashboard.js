import { startDeciding } from './approval.js';
import { byId, fillRows, resize, setClass, setText, show } from './dom.js';
import { formatInteger, formatSun, formatUnits, shorten, unitsTitle } from './format.js';
import { follow } from './live.js';
import { startResolving } from './resolve.js';
import { startSettlement } from './settlement.js';
import { drawSparkline } from './sparkline.js';
import {
  auditRows,
  batchRows,
  clusterRows,
  depositRows,
  flowRows,
  heldRows,
  inLedger,
  placeRows,
  places,
  quarantineRows,
  roundRows,
  undecidedRows,
  withdrawalRows,
} from './tables.js';

/** Called with what waits; the dialogs of operators take them over. */
let onHeld = () => undefined;
let onUndecided = () => undefined;

const STATES = {
  ok: ['all systems ready', 'good'],
  degraded: ['degraded', 'warn'],
  alarm: ['alarm', 'bad'],
};

function render(snapshot) {
  const [text, pill] = STATES[snapshot.state];
  show('state', text);
  setClass(byId('state'), `pill ${pill}`);
  renderAlarms(snapshot.alarms);
  renderFailures(snapshot);
  renderTotals(snapshot.totals.value);
  renderRate(snapshot.rate);
  renderLag(snapshot.lag);
  renderSettlement(snapshot);
  renderLists(snapshot);
  fillRows(byId('cluster'), clusterRows(snapshot), 'no services are configured');
}

function renderAlarms(alarms) {
  resize(byId('alarms'), 'p', alarms.length).forEach((line, at) => {
    setClass(line, 'alarm');
    setText(line, alarms[at].text);
  });
}

/** Under a panel's heading: why its source cannot be read, and that what it shows is old. */
function renderFailures(snapshot) {
  for (const section of document.querySelectorAll('[data-panel]')) {
    const failed = section.dataset.panel
      .split(' ')
      .map((name) => snapshot[name])
      .find(({ state }) => state === 'failed');
    let note = section.querySelector('.failure');
    if (failed === undefined) {
      note?.remove();
      continue;
    }
    if (note === null) {
      note = document.createElement('p');
      note.className = 'failure';
      const heading = section.querySelector('.head') ?? section.querySelector('h2');
      heading.after(note);
    }
    const old = failed.atMs === null ? '' : ` Last known: ${clock(failed.atMs)}.`;
    setText(note, `Cannot be read now: ${failed.failure}.${old}`);
  }
}

function renderTotals(totals) {
  if (totals === null) return;
  const units = inLedger(totals);
  show('in-ledger', formatUnits(units), unitsTitle(units));
  show('conserved', totals.conserved ? 'conserved' : 'not conserved');
  setClass(byId('conserved'), `pill ${totals.conserved ? 'good' : 'bad'}`);
  show('difference', totals.conserved ? 'Tables and journal agree.' : totals.firstDifference);
  const open = BigInt(totals.channelsOpened) - BigInt(totals.channelsClosed);
  show('channels-open', formatInteger(open));
  show('channels-opened', formatInteger(totals.channelsOpened));
  show('channels-closed', formatInteger(totals.channelsClosed));
  show('postings', formatInteger(totals.postings));
  fillRows(byId('money'), placeRows(totals), 'nothing yet');
  const parts = places(totals);
  resize(byId('money-bar'), 'i', parts.length).forEach((bar, at) => {
    setClass(bar, parts[at].colour);
    bar.style.flexGrow = String(Math.max(0, Number(parts[at].units)));
  });
}

function renderRate({ perSecond, acceptedPerSecond, series, failure }) {
  show('accepted', acceptedPerSecond === null ? '–' : formatInteger(acceptedPerSecond));
  show('rate', failure === null ? formatInteger(perSecond) : '–');
  const peak = Math.max(...series);
  const label = `Vouchers applied per second in the last two minutes: now ${perSecond}, at most ${peak}`;
  drawSparkline(byId('spark'), series, label);
  const note = `Applied in the last two minutes, peak ${formatInteger(peak)}; a flush applies the highest voucher of each channel.`;
  show('rate-note', failure === null ? note : `Cannot be measured now: ${failure}`);
}

function renderLag(lag) {
  if (lag === null) return;
  const sum = (field) => lag.partitions.reduce((total, row) => total + BigInt(row[field]), 0n);
  show('lag', formatInteger(lag.records));
  show('lag-end', formatInteger(sum('end')));
  show('lag-applied', formatInteger(sum('applied')));
  const top = lag.partitions.reduce((most, row) => Math.max(most, Number(row.lag)), 1);
  resize(byId('lag-bars'), 'i', lag.partitions.length).forEach((bar, at) => {
    const row = lag.partitions[at];
    bar.style.height = `${Math.round((Number(row.lag) / top) * 100)}%`;
    bar.title = `partition ${row.partition}: ${row.lag} records behind`;
  });
}

function renderSettlement({ settlement: { value }, totals }) {
  if (totals.value !== null) fillRows(byId('flows'), flowRows(totals.value, value), 'nothing yet');
  if (value === null) return;
  show('head-block', formatInteger(value.headBlock));
  show('solid-block', formatInteger(value.solidBlock));
  show('queued', formatInteger(value.queued));
  show('claimable', formatInteger(value.claimablePayouts));
  show('chain-txs', formatInteger(value.transactionsSolidified));
  show('wallet-trx', formatSun(value.hotWalletSun), `${formatInteger(value.hotWalletSun)} sun`);
  show('wallet', shorten(value.hotWallet), value.hotWallet);
}

function renderLists(snapshot) {
  const { atMs } = snapshot;
  const list = (name, rows, none) => {
    const { value } = snapshot[name];
    if (value !== null) fillRows(byId(name), rows(value, atMs), none);
  };
  list('batches', batchRows, 'no batch yet');
  list('undecided', undecidedRows, 'none');
  list('deposits', depositRows, 'no deposit yet');
  list('withdrawals', withdrawalRows, 'no withdrawal yet');
  list('rounds', roundRows, 'no round yet');
  list('audit', auditRows, 'nothing yet');
  list('quarantine', quarantineRows, 'empty');
  list('held', heldRows, 'nothing');
  renderHeld(snapshot);
  renderUndecided(snapshot);
  const entries = snapshot.quarantine.value?.count;
  if (entries === undefined) return;
  show(
    'quarantine-note',
    entries === 0 ? 'Empty, as it should be.' : `${formatInteger(entries)} entries`,
  );
  byId('quarantine-table').hidden = entries === 0;
}

function renderHeld({ settlement: { value: counts }, held: { value: rows } }) {
  if (rows !== null) onHeld(rows);
  if (counts === null || rows === null) return;
  const { heldDeposits, heldPayouts, suspenseDeposits } = counts;
  const { misdirectedDeposits, foreignTokens } = counts;
  const waits = [
    [heldDeposits, 'deposits held'],
    [heldPayouts, 'payouts held'],
    [suspenseDeposits, 'deposits in suspense'],
    [misdirectedDeposits, 'deposits misdirected'],
    [foreignTokens, 'foreign tokens'],
  ].filter(([number]) => BigInt(number) > 0n);
  const text = waits.map(([number, what]) => `${formatInteger(number)} ${what}`).join(', ');
  show('held-note', text === '' ? 'Nothing, as it should be.' : text);
  byId('held-table').hidden = rows.length === 0;
}

function renderUndecided({ settlement: { value: counts }, undecided: { value: rows } }) {
  if (rows === null) return;
  onUndecided(rows);
  byId('undecided-table').hidden = rows.length === 0;
  const all = BigInt(counts?.undecidedBatches ?? rows.length);
  const more = all > BigInt(rows.length) ? `, of which ${rows.length} are shown` : '';
  const text = `${formatInteger(all)} large, nothing of them is signed until you decide${more}`;
  show('undecided-note', rows.length === 0 ? 'None.' : text);
}

function renderState(state) {
  const live = byId('live');
  if (live.dataset.live === state) return;
  live.dataset.live = state;
  document.body.classList.toggle('is-stale', state === 'stale');
  show('live-text', state === 'live' ? 'live' : 'stale: no data since');
}

function clock(atMs) {
  return new Date(atMs).toLocaleTimeString([], { hour12: false });
}

const signOut = () => location.assign('/login');

async function start() {
  const response = await fetch('/api/session').catch(() => undefined);
  if (response?.status === 401) return signOut();
  const session = response?.ok ? await response.json() : undefined;
  follow({
    onSnapshot: (snapshot) => {
      render(snapshot);
      show('live-time', clock(snapshot.atMs));
    },
    onState: renderState,
    onSignedOut: signOut,
  });
  const csrfToken = session?.csrfToken ?? '';
  byId('logout').addEventListener('click', async () => {
    const headers = { 'x-csrf-token': csrfToken };
    const { status } = await fetch('/api/session', { method: 'DELETE', headers });
    if (status === 204 || status === 401) signOut();
  });
  if (session?.role !== 'operator') return;
  startSettlement(csrfToken);
  onHeld = startResolving(csrfToken);
  onUndecided = startDeciding(csrfToken);
}

await start();

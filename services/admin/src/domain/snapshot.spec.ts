import { describe, expect, test } from 'vitest';
import {
  assembleSnapshot,
  lagOf,
  type PanelView,
  type Quarantine,
  type ServiceHealth,
  type SettlementStatus,
  type Sources,
  type Totals,
  toJson,
} from './snapshot.js';

const ok = <T>(value: T): PanelView<T> => ({ state: 'ok', value, atMs: 1, failure: null });
const failed = <T>(value: T | null): PanelView<T> => ({
  state: 'failed',
  value,
  atMs: null,
  failure: 'no answer',
});
const health = (ready: boolean): ServiceHealth => ({
  ready,
  checks: {},
  startedAtMs: 1,
  version: '1',
  memoryBytes: 1,
  paymentsAccepted: null,
});
const totals: Totals = {
  assets: [],
  availableUnits: 9_007_199_254_740_993n,
  heldUnits: 0n,
  inChannelsUnits: 0n,
  withdrawingUnits: 0n,
  feesUnits: 0n,
  suspenseUnits: 0n,
  channelsOpened: 0n,
  channelsClosed: 0n,
  postings: 0n,
  conserved: true,
  firstDifference: '',
  logRecordsApplied: 0n,
};
const settlement: SettlementStatus = {
  headBlock: 1n,
  solidBlock: 1n,
  hotWallet: '',
  hotWalletSun: 0n,
  queued: 0n,
  paused: '',
  reserves: [],
  transactionsSolidified: 0n,
  heldDeposits: 0n,
  heldPayouts: 0n,
  suspenseDeposits: 0n,
  misdirectedDeposits: 0n,
  foreignTokens: 0n,
  undecidedBatches: 0n,
  claimablePayouts: 0n,
};
const empty: Quarantine = { count: 0, latest: [] };
const sources: Sources = {
  services: { ingest: ok(health(true)) },
  postgres: ok({ version: '18' }),
  logEnds: ok([]),
  applied: ok([]),
  logLoss: ok([]),
  totals: ok(totals),
  settlement: ok(settlement),
  batches: ok([]),
  undecided: ok([]),
  rounds: ok([]),
  deposits: ok([]),
  withdrawals: ok([]),
  held: ok([]),
  quarantine: ok(empty),
  audit: ok([]),
  rate: { perSecond: 0, acceptedPerSecond: null, series: [], failure: null },
};

describe('the state of the whole', () => {
  test.each<[string, Partial<Sources>, string]>([
    ['all answers are good', {}, 'ok'],
    ['a service is not ready', { services: { ingest: ok(health(false)) } }, 'degraded'],
    ['a service does not answer', { services: { ingest: failed(health(true)) } }, 'degraded'],
    ['a source does not answer', { rounds: failed([]) }, 'degraded'],
    [
      'the rate is not known',
      { rate: { perSecond: 0, acceptedPerSecond: null, series: [], failure: 'x' } },
      'degraded',
    ],
    ['the books differ', { totals: ok({ ...totals, conserved: false }) }, 'alarm'],
    ['something is in quarantine', { quarantine: ok({ count: 1, latest: [] }) }, 'alarm'],
    ['a payout is held', { settlement: ok({ ...settlement, heldPayouts: 1n }) }, 'alarm'],
    ['a deposit is held', { settlement: ok({ ...settlement, heldDeposits: 1n }) }, 'alarm'],
    ['a large batch waits', { settlement: ok({ ...settlement, undecidedBatches: 1n }) }, 'alarm'],
    ['a deposit is in suspense', { settlement: ok({ ...settlement, suspenseDeposits: 1n }) }, 'ok'],
    ['a log has lost its end', { logLoss: ok(['vouchers: partition 0 ends at 0']) }, 'alarm'],
    ['settlement is stopped', { settlement: ok({ ...settlement, paused: 'drift' }) }, 'alarm'],
  ])('when %s', (_case, change, state) => {
    expect(assembleSnapshot({ ...sources, ...change }, 5).state).toBe(state);
  });

  test('keeps an alarm while its source is silent', () => {
    const differing = failed({ ...totals, conserved: false, firstDifference: 'fees: 1 ≠ 2' });
    const { alarms } = assembleSnapshot({ ...sources, totals: differing }, 5);
    expect(alarms).toEqual([{ name: 'conservation', text: 'The books do not agree: fees: 1 ≠ 2' }]);
  });

  test('is known before anything answered', () => {
    const pending = { state: 'pending', value: null, atMs: null, failure: null } as const;
    const names = Object.keys(sources).filter((name) => !['services', 'rate'].includes(name));
    const start = { ...sources, ...Object.fromEntries(names.map((name) => [name, pending])) };
    expect(assembleSnapshot(start, 5)).toMatchObject({ state: 'degraded', lag: null, alarms: [] });
  });
});

describe('the lag', () => {
  test('is the sum over the partitions, in their order, never below zero', () => {
    const ends = [
      { partition: 1, offset: 10n },
      { partition: 0, offset: 7n },
      { partition: 2, offset: 4n },
    ];
    const applied = [
      { partition: 0, offset: 5n },
      { partition: 1, offset: 12n },
    ];
    expect(lagOf(ends, applied)).toEqual({
      records: 6n,
      partitions: [
        { partition: 0, end: 7n, applied: 5n, lag: 2n },
        { partition: 1, end: 10n, applied: 12n, lag: 0n },
        { partition: 2, end: 4n, applied: 0n, lag: 4n },
      ],
    });
  });

  test('is unknown while a side is', () => {
    expect(lagOf(null, [])).toBeNull();
    expect(lagOf([], null)).toBeNull();
  });
});

test('64-bit numbers travel as exact decimal text', () => {
  expect(JSON.parse(toJson(assembleSnapshot(sources, 5))).totals.value.availableUnits).toBe(
    '9007199254740993',
  );
});

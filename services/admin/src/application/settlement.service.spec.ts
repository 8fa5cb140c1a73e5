import { beforeEach, describe, expect, test } from 'vitest';
import { accept, type Result, refuse } from '#libs/domain';
import { InMemoryStores } from '../../test/in-memory-stores.js';
import type { OperatorRole, Session } from '../domain/session.js';
import type { BatchRow } from '../domain/snapshot.js';
import { SettlementService } from './settlement.service.js';

const BATCH: BatchRow = {
  batchNo: 1n,
  asset: 'TRC20_BTT',
  state: 'planned',
  txid: '',
  payouts: 3,
  totalUnits: 70n,
  plannedAtMs: 1n,
  failure: '',
  claimableUntilMs: 0n,
};
const session = (role: OperatorRole): Session => ({
  tokenHash: Buffer.alloc(32),
  actor: role,
  role,
  address: '10.0.0.1',
  createdAtMs: 0n,
  expiresAtMs: 9n,
});

let stores: InMemoryStores;
let asked: boolean[];
let answer: () => Promise<Result<readonly BatchRow[]>>;
let service: SettlementService;

beforeEach(() => {
  stores = new InMemoryStores();
  asked = [];
  answer = async () => accept([BATCH, BATCH]);
  const run = (dryRun: boolean) => {
    asked.push(dryRun);
    return answer();
  };
  service = new SettlementService({ run }, stores, () => 5n);
});

const run = (dryRun: boolean, role: OperatorRole = 'operator') =>
  service.run(session(role), '10.0.0.9', dryRun);
const outcomes = () => stores.entries.map(({ action, outcome }) => `${action} ${outcome}`);

describe('a run by hand', () => {
  test('is recorded before and after, with what it did', async () => {
    expect(await run(false)).toEqual({ ok: true, value: [BATCH, BATCH] });
    expect(outcomes()).toEqual(['settlement-run requested', 'settlement-run ok']);
    expect(stores.entries[1]).toMatchObject({
      actor: 'operator',
      address: '10.0.0.9',
      atMs: 5n,
      detail: '2 batches, 6 payouts, 140 units',
    });
  });

  test('can be tried dry, which is recorded as such', async () => {
    await run(true);
    expect(asked).toEqual([true]);
    expect(outcomes()).toEqual(['settlement-dry-run requested', 'settlement-dry-run ok']);
  });

  test("passes settlement's refusal on and records it", async () => {
    answer = async () => refuse('RESERVE_SHORT', 'the vault is short');
    expect(await run(false)).toMatchObject({ reason: 'RESERVE_SHORT' });
    expect(stores.entries[1]).toMatchObject({
      outcome: 'RESERVE_SHORT',
      detail: 'the vault is short',
    });
  });

  test('is not for viewers', async () => {
    expect(await run(true, 'viewer')).toMatchObject({ reason: 'NOT_PERMITTED' });
    expect(asked).toEqual([]);
  });

  test('does not happen when it cannot be recorded', async () => {
    stores.outage = new Error('ECONNREFUSED');
    await expect(run(false)).rejects.toThrow('ECONNREFUSED');
    expect(asked).toEqual([]);
  });

  test('is one at a time, and a failed one does not block the next', async () => {
    const { promise, resolve } = Promise.withResolvers<Result<readonly BatchRow[]>>();
    answer = () => promise;
    const first = run(false);
    expect(await run(false)).toMatchObject({ reason: 'OVERLOADED' });
    resolve(refuse('UNAVAILABLE', ''));
    await first;
    answer = () => Promise.reject(new Error('bug'));
    await expect(run(false)).rejects.toThrow('bug');
    answer = async () => accept([]);
    expect(await run(false)).toMatchObject({ ok: true });
  });
});

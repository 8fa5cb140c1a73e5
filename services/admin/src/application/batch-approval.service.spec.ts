import { beforeEach, describe, expect, test } from 'vitest';
import { accept, type Result, refuse } from '#libs/domain';
import { InMemoryStores } from '../../test/in-memory-stores.js';
import type { OperatorRole, Session } from '../domain/session.js';
import { BatchApprovalService } from './batch-approval.service.js';
import type { BatchDecision, DecidedBatch } from './ports.js';

const DECISION: BatchDecision = { batchNo: 7n, approve: true, name: 'ann', reason: 'ticket 12' };
const session = (role: OperatorRole): Session => ({
  tokenHash: Buffer.alloc(32),
  actor: role,
  role,
  address: '10.0.0.1',
  createdAtMs: 0n,
  expiresAtMs: 9n,
});

let stores: InMemoryStores;
let asked: BatchDecision[];
let answer: Result<DecidedBatch>;
let service: BatchApprovalService;

beforeEach(() => {
  stores = new InMemoryStores();
  asked = [];
  answer = accept({ state: 'planned', decidedBy: 'ann' });
  const decider = {
    decideBatch: async (decision: BatchDecision) => {
      // What is recorded by now is there even if nobody lives to see the answer.
      expect(stores.entries.map(({ outcome }) => outcome)).toEqual(['requested']);
      asked.push(decision);
      return answer;
    },
    payees: async () => accept([]),
  };
  service = new BatchApprovalService(decider, stores, () => 5n);
});

const decide = (decision = DECISION, role: OperatorRole = 'operator') =>
  service.decide(session(role), '10.0.0.9', decision);
const records = () => stores.entries.map(({ action, outcome }) => `${action} ${outcome}`);

describe('a decision about a batch', () => {
  test('is recorded before and after, with who, why and what became of it', async () => {
    expect(await decide()).toEqual(answer);
    expect(records()).toEqual(['batch-approve requested', 'batch-approve ok']);
    expect(stores.entries.map(({ detail }) => detail)).toEqual([
      'batch 7 by ann: ticket 12',
      'batch 7 is planned, by ann',
    ]);
    expect(stores.entries[0]).toMatchObject({ actor: 'operator', address: '10.0.0.9', atMs: 5n });
  });

  test('that says no is recorded as such', async () => {
    answer = accept({ state: 'failed', decidedBy: 'ann' });
    await decide({ ...DECISION, approve: false });
    expect(records()).toEqual(['batch-reject requested', 'batch-reject ok']);
  });

  test("has settlement's refusal passed on and recorded", async () => {
    answer = refuse('NOT_PERMITTED', 'batch 7 was rejected by bob');
    expect(await decide()).toEqual(answer);
    expect(stores.entries[1]).toMatchObject({
      outcome: 'NOT_PERMITTED',
      detail: 'batch 7 was rejected by bob',
    });
  });

  test('is not taken when it cannot be recorded', async () => {
    stores.outage = new Error('Postgres is away');
    await expect(decide()).rejects.toThrow('Postgres is away');
    expect(asked).toEqual([]);
  });

  test('is not for viewers', async () => {
    expect(await decide(DECISION, 'viewer')).toMatchObject({ reason: 'NOT_PERMITTED' });
    expect([asked, stores.entries]).toEqual([[], []]);
  });
});

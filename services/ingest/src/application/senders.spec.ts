import { describe, expect, it } from 'vitest';
import { CONNECTION_FAILURES, SENDER_FAILURES } from '../domain/failure-budget.js';
import { Senders } from './senders.js';

const GATEWAY = '10.0.0.1:4000';
const senders = () => new Senders({ nowMs: () => 0n });

describe('Senders', () => {
  it("cuts off a gateway's bad account and lets its others go on", () => {
    const known = senders();
    known.ofAccount('bad', GATEWAY).charge(SENDER_FAILURES.max, 0);
    expect(known.ofAccount('bad', GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofAccount('bad', '10.0.0.2:4000').isSpent(0)).toBe(true);
    expect(known.ofAccount('good', GATEWAY).isSpent(0)).toBe(false);
  });

  it('cuts off a connection whose accounts fail by turns', () => {
    const known = senders();
    const accounts = CONNECTION_FAILURES.max / SENDER_FAILURES.max;
    for (let no = 0; no < accounts; no++) {
      expect(known.ofStreams(GATEWAY).isSpent(0)).toBe(false);
      known.ofAccount(`account ${no}`, GATEWAY).charge(SENDER_FAILURES.max, 0);
    }
    expect(known.ofAccount('another', GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofAccount('another', '10.0.0.2:4000').isSpent(0)).toBe(false);
  });

  it('holds calls without an account against their connection, and against no stream', () => {
    const known = senders();
    known.ofConnection(GATEWAY).charge(SENDER_FAILURES.max, 0);
    expect(known.ofConnection(GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofConnection('10.0.0.2:4000').isSpent(0)).toBe(false);
    expect(known.ofStreams(GATEWAY).isSpent(0)).toBe(false);
  });
});

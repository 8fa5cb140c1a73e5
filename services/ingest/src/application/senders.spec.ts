import { describe, expect, it } from 'vitest';
import { CONNECTION_FAILURES, HOST_FAILURES, SENDER_FAILURES } from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';
import { Senders } from './senders.js';

const GATEWAY = '10.0.0.1:4000';
const hostOf = (peer: string) => peer.split(':')[0];
const senders = () => new Senders({ nowMs: () => 0n }, hostOf);

describe('Senders', () => {
  it("cuts off a gateway's bad account and lets its others go on", () => {
    const known = senders();
    known.ofAccount('bad', GATEWAY).charge(SENDER_FAILURES.max, 0);
    expect(known.ofAccount('bad', GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofAccount('bad', '10.0.0.2:4000').isSpent(0)).toBe(true);
    expect(known.ofAccount('good', GATEWAY).isSpent(0)).toBe(false);
  });

  it('cuts off a connection whose accounts fail by turns, but for those who pay', () => {
    const known = senders();
    const accounts = CONNECTION_FAILURES.max / SENDER_FAILURES.max;
    known.ofAccount('payer', GATEWAY).prove();
    for (let no = 0; no < accounts; no++) {
      expect(known.ofSessions(GATEWAY).isSpent(0)).toBe(false);
      known.ofAccount(`account ${no}`, GATEWAY).charge(SENDER_FAILURES.max, 0);
    }
    expect(known.ofAccount('another', GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofAccount('another', '10.0.0.2:4000').isSpent(0)).toBe(false);
    expect(known.ofAccount('payer', GATEWAY).isSpent(0)).toBe(false);
  });

  it('holds calls without an account against their connection, and against no account', () => {
    const known = senders();
    known.ofConnection(GATEWAY).charge(SENDER_FAILURES.max, 0);
    expect(known.ofConnection(GATEWAY).isSpent(0)).toBe(true);
    expect(known.ofConnection('10.0.0.1:4001').isSpent(0)).toBe(false);
    expect(known.ofSessions(GATEWAY).isSpent(0)).toBe(false);
    expect(known.ofAccount('good', GATEWAY).isSpent(0)).toBe(false);
  });

  it.each([
    ['calls', (known: Senders, no: number) => known.ofConnection(`10.0.0.1:${no}`)],
    ['accounts', (known: Senders, no: number) => known.ofAccount(`a ${no}`, `10.0.0.1:${no}`)],
    ['sessions', (known: Senders, no: number) => known.ofSessions(`10.0.0.1:${no}`)],
  ])('cuts off a host that comes back again and again: %s', (_what, next) => {
    const known = senders();
    const [payer, caller] = [known.ofAccount('payer', GATEWAY), known.ofConnection(GATEWAY)];
    payer.prove();
    caller.prove();
    const times = HOST_FAILURES.max / SENDER_FAILURES.max;
    for (let no = 0; no < times; no++) {
      const sender = next(known, no);
      expect(sender.isSpent(0)).toBe(false);
      sender.charge(SENDER_FAILURES.max, 0);
    }
    expect(next(known, times).isSpent(0)).toBe(true);
    // Who pays goes on, also over a new connection; so do all others, elsewhere.
    expect(payer.isSpent(0)).toBe(false);
    expect(caller.isSpent(0)).toBe(false);
    expect(known.ofAccount('payer', '10.0.0.1:77').isSpent(0)).toBe(false);
    expect(known.ofConnection('10.0.0.2:4000').isSpent(0)).toBe(false);
    // Forgiven in half a minute at most.
    expect(next(known, times).isSpent(30_200)).toBe(false);
  });

  it('has no joint budget for a host that stands for many', () => {
    const known = new Senders({ nowMs: () => 0n }, () => undefined);
    for (let no = 0; no < 100; no++) known.ofConnection(`10.0.0.1:${no}`).charge(32, 0);
    expect(known.ofConnection('10.0.0.1:100').isSpent(0)).toBe(false);
  });

  it('is the same object for the same sender, by which a flush tells senders apart', () => {
    const known = senders();
    expect(known.ofConnection(GATEWAY)).toBe(known.ofConnection(GATEWAY));
    expect(known.ofAccount('a', GATEWAY)).toBe(known.ofAccount('a', GATEWAY));
    expect(known.ofAccount('a', GATEWAY)).not.toBe(known.ofAccount('b', GATEWAY));
  });

  it('remembers a host however many connections it makes', () => {
    const known = senders();
    for (let no = 0; no < HOST_FAILURES.max; no++)
      known.ofConnection(`10.0.0.1:${no}`).charge(1, 0);
    for (let no = 0; no < INGEST_LIMITS.sendersMax; no++) known.ofConnection(`10.0.0.1:${no}`);
    expect(known.ofConnection('10.0.0.1:0').isSpent(0)).toBe(true);
  });

  it('remembers who pays however many others come', () => {
    const known = senders();
    const [account, caller] = [known.ofAccount('payer', GATEWAY), known.ofConnection(GATEWAY)];
    account.prove();
    caller.prove();
    for (let no = 0; no < INGEST_LIMITS.sendersMax; no++) {
      known.ofConnection(`10.0.0.1:${no}`).charge(1, 0);
      known.ofAccount(`account ${no}`, '10.0.0.1:1');
    }
    expect(known.ofConnection('10.0.0.1:0').isSpent(0)).toBe(true);
    expect(known.ofAccount('payer', '10.0.0.1:77').isSpent(0)).toBe(false);
    expect(known.ofConnection(GATEWAY).isSpent(0)).toBe(false);
    expect(known.ofSessionsNaming('payer', GATEWAY)?.isSpent(0)).toBe(false);
    expect(known.ofSessionsNaming('account 1', GATEWAY)).toBeUndefined();
  });
});

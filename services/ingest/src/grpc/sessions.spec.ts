import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { DIGESTS, newKeys } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import {
  CONNECTION_FAILURES,
  HOST_FAILURES,
  NAMED_SESSION_FAILURES,
  SENDER_FAILURES,
} from '../domain/failure-budget.js';
import { Sessions } from './sessions.js';

const GATEWAY = '10.0.0.1:4000';

function setUp() {
  const { core, clock } = new Fixture();
  const sessions = new Sessions(DIGESTS, core.senders, clock);
  const nowMs = () => Number(clock.nowMs());
  const session = (keys = newKeys(), signer = keys) => {
    const validUntilMs = clock.nowMs() + 60_000n;
    const signature = sign(DIGESTS.session(keys.address, validUntilMs), signer.privateKey);
    return formatSession({ account: keys.address, validUntilMs, signature });
  };
  const call = (text?: string, peer = GATEWAY) => {
    const metadata = new Metadata();
    if (text !== undefined) metadata.set(SESSION_TRAILER, text);
    return { metadata, getPeer: () => peer };
  };
  const sender = (...args: Parameters<typeof call>) => {
    const caller = sessions.caller(call(...args));
    if (!caller.ok) throw new Error(`${caller.reason}: ${caller.detail}`);
    return caller.value.sender;
  };
  return { sessions, senders: core.senders, clock, nowMs, session, call, sender };
}

describe('who posts', () => {
  it('behind a gateway is the account of the session, so that one cannot lock out the rest', () => {
    const { sender, session, nowMs } = setUp();
    const [bad, good] = [session(), session()];
    sender(bad).charge(SENDER_FAILURES.max, nowMs());
    expect(sender(bad).isSpent(nowMs())).toBe(true);
    expect(sender(good).isSpent(nowMs())).toBe(false);
    expect(sender(undefined).isSpent(nowMs())).toBe(false);
    expect(sender(good)).toBe(sender(good));
  });

  it('without a session is the connection', () => {
    const { sender, senders, nowMs } = setUp();
    expect(sender()).toBe(senders.ofConnection(GATEWAY));
    sender().charge(SENDER_FAILURES.max, nowMs());
    expect(sender().isSpent(nowMs())).toBe(true);
  });

  it('with a session that is somebody else’s or over is nobody', () => {
    const { sender, session, clock } = setUp();
    expect(() => sender(session(newKeys(), newKeys()))).toThrow('UNAUTHENTICATED');
    const old = session();
    sender(old);
    clock.advanceMs(60_001n);
    expect(() => sender(old)).toThrow('UNAUTHENTICATED');
  });
});

describe('sessions that do not hold', () => {
  it('are no longer looked at after some, of a connection and of a host', () => {
    const { sender, session } = setUp();
    const bad = session(newKeys(), newKeys());
    const known = session();
    sender(known);
    const lookedAt = (peer: (no: number) => string) => {
      let count = 0;
      const reason = () => {
        try {
          sender(bad, peer(count));
        } catch (error) {
          return String(error);
        }
        return '';
      };
      while (reason().includes('UNAUTHENTICATED')) count++;
      expect(reason()).toContain('OVERLOADED');
      return count;
    };
    expect(lookedAt(() => GATEWAY)).toBe(CONNECTION_FAILURES.max / 4);
    expect(lookedAt((no) => `10.0.0.1:${no}`)).toBe(CONNECTION_FAILURES.max / 4);
    // A session that was checked before needs no look, and one from elsewhere gets it.
    expect(() => sender(known)).not.toThrow();
    expect(() => sender(session())).toThrow('OVERLOADED');
    expect(() => sender(session(), '10.0.0.2:1')).not.toThrow();
  });
});

describe('a new session while its host has failed too often', () => {
  /** Garbage from the gateway's host, on connections of its own. */
  function spentHost() {
    const all = setUp();
    const { senders, nowMs, sender } = all;
    for (let no = 0; no < HOST_FAILURES.max / SENDER_FAILURES.max; no++) {
      senders.ofConnection(`10.0.0.1:${no}`).charge(SENDER_FAILURES.max, nowMs());
    }
    /** Keys of an account of which a payment was accepted. */
    const payer = () => {
      const keys = newKeys();
      senders.ofAccount(keys.address, GATEWAY).prove();
      return keys;
    };
    /** How many of these sessions are looked at and found forged. */
    const lookedAt = (texts: readonly string[]) =>
      texts.filter((text, no) => {
        try {
          sender(text, `10.0.0.1:${no}`);
        } catch (error) {
          return String(error).includes('UNAUTHENTICATED');
        }
        throw new Error('a forged session was taken');
      }).length;
    return { ...all, payer, lookedAt };
  }

  it('is taken when its account pays, and not looked at otherwise', () => {
    const { sender, session, payer, nowMs, call, sessions } = spentHost();
    const paying = sender(session(payer()));
    expect(paying.isSpent(nowMs())).toBe(false);
    expect(() => sender(session())).toThrow('OVERLOADED');
    expect(() => sender('no session')).toThrow('OVERLOADED');
    expect(sessions.of(call(session(newKeys(), newKeys())))).toMatchObject({
      reason: 'OVERLOADED',
    });
  });

  it('is looked at a few times when it is forged, and costs the payments of the account nothing', () => {
    const { sender, session, payer, lookedAt, nowMs } = spentHost();
    const keys = payer();
    const known = session(keys);
    const paying = sender(known);
    const forged = new Array(20).fill(session(keys, newKeys()));
    expect(lookedAt(forged)).toBe(NAMED_SESSION_FAILURES.max / 4);
    expect(sender(known)).toBe(paying);
    paying.charge(SENDER_FAILURES.max - 1, nowMs());
    expect(paying.isSpent(nowMs())).toBe(false);
    // Another account that pays is not held up.
    expect(() => sender(session(payer()))).not.toThrow();
  });

  it('is no longer looked at when very many accounts that pay are named', () => {
    const { session, payer, lookedAt } = spentHost();
    const forged = Array.from({ length: 40 }, () => session(payer(), newKeys()));
    const looks = lookedAt([...forged, ...forged, ...forged, ...forged]);
    expect(looks).toBe(HOST_FAILURES.max / 4);
  });

  it('is not looked at when the account has used up its own budget since it paid', () => {
    const { sender, session, senders, payer, nowMs } = spentHost();
    const keys = payer();
    senders.ofAccount(keys.address, GATEWAY).charge(SENDER_FAILURES.max, nowMs());
    expect(() => sender(session(keys))).toThrow('OVERLOADED');
  });
});

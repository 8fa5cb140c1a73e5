import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeyPair, sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit, reason, value } from './ledger.kit.js';

// Input that nobody's client makes is refused for what it is, before anything is hashed, looked up or compared:
// an error of the database or of the signing code would be answered as an unknown outcome.

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let owner: KeyPair;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  owner = await kit.account(10_000n);
});

afterAll(async () => {
  await kit.database.close();
  await server.drop();
});

const signature = Buffer.alloc(64, 1);

function session(): Metadata {
  const validUntilMs = kit.time.nowMs + 60_000n;
  const signed = sign(kit.digests.session(owner.address, validUntilMs), owner.privateKey);
  const metadata = new Metadata();
  const claim = { account: owner.address, validUntilMs, signature: signed };
  metadata.set(SESSION_TRAILER, formatSession(claim));
  return metadata;
}

describe('a time that cannot be', () => {
  it.each([0n, -1n, -(2n ** 63n)])('%s is malformed, not expired', async (validUntilMs) => {
    const payee = await kit.account();
    const { channelId } = await kit.channel(owner, payee.address, 10n);
    const { withdrawalId } = value(await kit.withdraw(owner, 1_000n));
    const { address: closer } = owner;
    const { channels, withdrawals, transfers } = kit.use;
    const open = kit.openRequest(owner, payee.address, 10n);
    const transfer = { transferId: randomBytes(32), payer: owner.address, payee: payee.address };
    const answers = {
      open: await channels.open({ ...open, validUntilMs }),
      close: await channels.close({ channelId, closer, validUntilMs, signature }),
      cancel: await withdrawals.cancel({ withdrawalId, validUntilMs, signature }),
      transfer: await transfers.transfer({ ...transfer, amountUnits: 1n, validUntilMs, signature }),
      hold: await kit.use.holds.place({ ...kit.bid(owner, 5n), expiresAtMs: validUntilMs }),
    };
    for (const [name, answer] of Object.entries(answers)) {
      expect(reason(answer), name).toBe('MALFORMED');
    }
  });
});

describe('a forged cursor', () => {
  const cursor = (...parts: (bigint | number)[]) =>
    Buffer.from(`v1:${parts.join(':')}`).toString('base64url');

  it.each([
    ['a time beyond int64', cursor(9_999_999_999_999_999_999n, 0, 0, 0)],
    ['a partition beyond smallint', cursor(1, 40_000, 0, 0)],
    ['an entry beyond int64', cursor(1, 0, -9_999_999_999_999_999_999n, 0)],
    ['a line beyond int', cursor(1, 0, 0, 3_000_000_000n)],
    ['one part more', cursor(1, 0, 0, 0, 0)],
    ['another list', cursor(1)],
    ['nothing of ours', 'AAAA'],
  ])('of the history is refused: %s', async (_case, forged) => {
    const page = await kit.use.statements.history(session(), { cursor: forged, limit: 1 });
    expect(reason(page)).toBe('BAD_CURSOR');
  });

  it('of the channels and the withdrawals is refused', async () => {
    const page = { cursor: cursor(9_999_999_999_999_999_999n), limit: 1 };
    const { statements } = kit.use;
    expect(reason(await statements.listChannels(session(), page))).toBe('BAD_CURSOR');
    expect(reason(await statements.listWithdrawals(session(), page))).toBe('BAD_CURSOR');
  });

  it('within the ranges of the columns only leads to another page', async () => {
    const page = {
      cursor: cursor(2n ** 63n - 1n, 32_767, 2n ** 63n - 1n, 2n ** 31n - 1n),
      limit: 5,
    };
    const { items } = value(await kit.use.statements.history(session(), page));
    expect(items.length).toBeGreaterThan(0);
  });
});

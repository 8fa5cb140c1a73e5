import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { DIGESTS, newKeys } from '../../test/factory.js';
import { sessionOf } from './stream-session.js';

const NOW_MS = 1_000_000n;

function trailer(options: {
  account: string;
  signedBy?: ReturnType<typeof newKeys>;
  until?: bigint;
}) {
  const validUntilMs = options.until ?? NOW_MS + 60_000n;
  const signer = options.signedBy ?? newKeys();
  const signature = sign(DIGESTS.session(options.account, validUntilMs), signer.privateKey);
  const metadata = new Metadata();
  metadata.set(
    SESSION_TRAILER,
    formatSession({ account: options.account, validUntilMs, signature }),
  );
  return metadata;
}

describe('a session of a stream', () => {
  it('is its account’s when its account signed it', () => {
    const keys = newKeys();
    const metadata = trailer({ account: keys.address, signedBy: keys });
    expect(sessionOf(metadata, DIGESTS, NOW_MS)).toMatchObject({
      ok: true,
      value: { account: keys.address },
    });
  });

  it.each([
    ['missing', () => new Metadata(), /missing or malformed/],
    ['over', () => trailer({ account: newKeys().address, until: NOW_MS - 1n }), /expired/],
    ['somebody else’s', () => trailer({ account: newKeys().address }), /is not signed by T/],
  ])('is refused when it is %s', (_what, metadata, detail) => {
    expect(sessionOf(metadata(), DIGESTS, NOW_MS)).toMatchObject({
      reason: 'UNAUTHENTICATED',
      detail: expect.stringMatching(detail),
    });
  });
});

import { Metadata, status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LIMITS, REASONS, refuse } from '#libs/domain';
import {
  formatSession,
  grpcErrorOf,
  INTERNAL_TOKEN_TRAILER,
  RefusedError,
  readSession,
  requireInternal,
  SESSION_TRAILER,
  STATUS_OF,
  toGrpcError,
  unwrap,
} from './index.js';

const logger = pino({ level: 'silent' });

describe('refusals on the wire', () => {
  it.each(REASONS)('%s has a status, a trailer and error details', (reason) => {
    const error = toGrpcError(refuse(reason, 'because'));
    expect(error.code).toBe(STATUS_OF[reason]);
    expect(error.code).not.toBe(status.OK);
    expect(error.metadata.get('swarmledger-reason')).toEqual([reason]);
    const details = error.metadata.get('grpc-status-details-bin')[0];
    expect(details?.toString()).toContain(reason);
    expect(details?.toString()).toContain('google.rpc.ErrorInfo');
  });

  it('masks what was not expected and says that it may be repeated', () => {
    const error = grpcErrorOf(new Error('password=secret'), logger);
    expect(error.metadata.get('swarmledger-reason')).toEqual(['OUTCOME_UNKNOWN']);
    expect(error.details).not.toContain('secret');
  });

  it('carries a refusal through a throw', () => {
    expect(() => unwrap(refuse('NOT_FOUND', 'no'))).toThrow(RefusedError);
    expect(unwrap({ ok: true, value: 3 })).toBe(3);
  });
});

describe('sessions', () => {
  const claim = {
    account: 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb',
    validUntilMs: 1_000n,
    signature: new Uint8Array(64).fill(7),
  };
  const metadata = (text?: string) => {
    const made = new Metadata();
    if (text !== undefined) made.set(SESSION_TRAILER, text);
    return made;
  };

  it('are read as they were written', () => {
    const read = readSession(metadata(formatSession(claim)), 999n);
    expect(read).toEqual({ ok: true, value: claim });
  });

  it.each([
    ['missing', undefined, 0n],
    ['malformed', 'T9.1.zz', 0n],
    [
      'of no address',
      formatSession({ ...claim, account: claim.account.replace('T9y', 'T9z') }),
      0n,
    ],
    ['expired', formatSession(claim), 1_001n],
    ['valid too long', formatSession({ ...claim, validUntilMs: LIMITS.sessionMaxMs + 9n }), 1n],
  ])('are refused when %s', (_name, text, nowMs) => {
    expect(readSession(metadata(text), nowMs)).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });
});

describe('the internal API', () => {
  it('wants the secret', () => {
    const metadata = new Metadata();
    expect(() => requireInternal(metadata, 'secret')).toThrow(/UNAUTHENTICATED/);
    metadata.set(INTERNAL_TOKEN_TRAILER, 'secreT');
    expect(() => requireInternal(metadata, 'secret')).toThrow(/UNAUTHENTICATED/);
    metadata.set(INTERNAL_TOKEN_TRAILER, 'secret');
    expect(() => requireInternal(metadata, 'secret')).not.toThrow();
  });
});

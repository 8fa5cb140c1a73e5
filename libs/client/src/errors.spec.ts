import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { REASONS, refuse } from '#libs/domain';
import {
  REASON_TRAILER as SERVER_REASON,
  SESSION_TRAILER as SERVER_SESSION,
  toGrpcError,
} from '#libs/grpc';
import { isTransient, judge } from './errors.js';
import { REASON_TRAILER, SESSION_TRAILER } from './trailers.js';

const plain = (code: status, details = 'broken') => ({ code, details, metadata: new Metadata() });

describe('judge', () => {
  it('names the trailers as the servers do', () => {
    expect([REASON_TRAILER, SESSION_TRAILER]).toEqual([SERVER_REASON, SERVER_SESSION]);
  });

  it.each(REASONS)('reads the reason %s as the servers send it', (reason) => {
    const verdict = judge(toGrpcError(refuse(reason, 'why')));
    if (isTransient(reason)) {
      expect(verdict).toMatchObject({ kind: 'transient', serverFault: false });
      expect(verdict).toHaveProperty('unchanged', reason !== 'OUTCOME_UNKNOWN');
    } else {
      expect(verdict).toEqual({ kind: 'refused', reason, detail: 'why' });
    }
  });

  it('does not trust a reason that it does not know', () => {
    const metadata = new Metadata();
    metadata.set(REASON_TRAILER, 'MADE_UP');
    const error = { code: status.UNAVAILABLE, details: 'x', metadata };
    expect(judge(error)).toMatchObject({ kind: 'transient', unchanged: false });
  });

  it.each([
    [plain(status.UNAVAILABLE, 'No connection established. Last error: refused'), true, false],
    [plain(status.UNAVAILABLE, 'Connection dropped'), false, false],
    [plain(status.DEADLINE_EXCEEDED), false, false],
    [plain(status.INTERNAL, 'Received RST_STREAM with code 2'), false, true],
    [plain(status.UNKNOWN), false, true],
  ])('takes %o for passing', (error, unchanged, serverFault) => {
    expect(judge(error)).toMatchObject({ kind: 'transient', unchanged, serverFault });
  });

  it('takes a missing method for broken, which no repeat cures', () => {
    expect(judge(plain(status.UNIMPLEMENTED, 'no such method'))).toEqual({
      kind: 'broken',
      detail: 'UNIMPLEMENTED: no such method',
    });
  });
});

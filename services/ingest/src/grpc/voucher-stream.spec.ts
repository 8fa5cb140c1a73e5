import { Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { sign } from '#libs/crypto';
import { formatSession, type GrpcError, REASON_TRAILER, SESSION_TRAILER } from '#libs/grpc';
import { DIGESTS, newKeys } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import { FakeCall } from '../../test/packed.js';
import { until } from '../../test/stream-fixture.js';
import { Sessions } from './sessions.js';
import type { VoucherCall } from './voucher-stream.js';
import { VoucherStreams } from './voucher-streams.js';

const SESSION_MS = 60_000n;

function setUp(options: { isOurs: boolean } | undefined) {
  const { service, core, clock } = new Fixture();
  const metadata = new Metadata();
  if (options !== undefined) {
    const keys = newKeys();
    const signer = options.isOurs ? keys : newKeys();
    const validUntilMs = clock.nowMs() + SESSION_MS;
    const signature = sign(DIGESTS.session(keys.address, validUntilMs), signer.privateKey);
    metadata.set(
      SESSION_TRAILER,
      formatSession({ account: keys.address, validUntilMs, signature }),
    );
  }
  const call = new FakeCall(metadata);
  const reasons: unknown[] = [];
  call.on('error', ({ metadata: told }: GrpcError) => reasons.push(told?.get(REASON_TRAILER)[0]));
  const parts = { service, clock, logger: pino({ level: 'silent' }) };
  const sessions = new Sessions(DIGESTS, core.senders, clock);
  const opened = new VoucherStreams(sessions, parts).open(call as unknown as VoucherCall);
  const post = () => call.emit('data', { sequence: 1n, batch: undefined });
  return { opened, call, clock, reasons, post };
}

describe('a typed stream', () => {
  it('needs no session, and goes on for ever without one', async () => {
    const { call, clock, post } = setUp(undefined);
    clock.advanceMs(100n * SESSION_MS);
    post();
    await until(() => expect(call.answers).toHaveLength(1));
  });

  it('with a session ends with it, after what came before is answered', async () => {
    const { call, clock, post, reasons } = setUp({ isOurs: true });
    post();
    clock.advanceMs(SESSION_MS + 1n);
    post();
    await until(() => expect(reasons).toEqual(['UNAUTHENTICATED']));
    expect(call.answers).toHaveLength(1);
  });

  it('is refused with a session that is somebody else’s', () => {
    expect(setUp({ isOurs: false }).opened).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });
});

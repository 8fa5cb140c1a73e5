import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type Result, refuse } from '#libs/domain';
import { type GrpcError, REASON_TRAILER } from '#libs/grpc';
import { DIGESTS } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import { FakeCall } from '../../test/packed.js';
import { StreamFixture, until } from '../../test/stream-fixture.js';
import type { PackedStream } from './packed-stream.js';
import type { PackedStreams } from './packed-streams.js';
import { Sessions } from './sessions.js';
import { VoucherController } from './voucher.controller.js';
import { VoucherStreams } from './voucher-streams.js';

const logger = pino({ level: 'silent' });

function setUp(open: () => Result<PackedStream>) {
  const { service, core, clock } = new Fixture();
  const sessions = new Sessions(DIGESTS, core.senders, clock);
  const controller = new VoucherController(
    service,
    sessions,
    new VoucherStreams(sessions, { service, clock, logger }),
    { open } as unknown as PackedStreams,
    logger,
  );
  const errors: GrpcError[] = [];
  const call = new FakeCall();
  call.on('error', (error: GrpcError) => errors.push(error));
  return { controller, errors, call };
}

describe('opening a packed stream', () => {
  it('that fails by a bug ends the call with UNKNOWN and says nothing of the inside', () => {
    const { controller, errors, call } = setUp(() => {
      throw new TypeError('a secret of the inside');
    });
    controller.streamPacked(call.asCall());
    expect(errors).toMatchObject([{ code: status.UNKNOWN }]);
    expect(errors[0]?.details).not.toContain('secret');
  });

  it('that is refused ends the call with the reason', () => {
    const { controller, errors, call } = setUp(() => refuse('UNAUTHENTICATED', 'no session'));
    controller.streamPacked(call.asCall());
    expect(errors).toMatchObject([{ code: status.UNAUTHENTICATED, details: 'no session' }]);
    expect(errors[0]?.metadata?.get(REASON_TRAILER)).toEqual(['UNAUTHENTICATED']);
  });

  it('needs no listener for errors on the call', () => {
    const { controller } = setUp(() => refuse('OVERLOADED', 'later'));
    expect(() => controller.streamPacked(new FakeCall().asCall())).not.toThrow();
  });
});

describe('a process that stops', () => {
  it('tells streams to go, also those that come while it drains', async () => {
    const [before, after] = [new StreamFixture(), new StreamFixture()];
    const streams = [before.stream, after.stream];
    const { controller } = setUp(() => ({ ok: true, value: streams.shift() as PackedStream }));
    controller.streamPacked(before.call.asCall());
    await controller.beforeApplicationShutdown();
    controller.streamPacked(after.call.asCall());
    await until(() => expect([before, after].flatMap(({ errors }) => errors)).toHaveLength(2));
    for (const { errors } of [before, after]) {
      expect(errors[0]?.metadata?.get(REASON_TRAILER)).toEqual(['UNAVAILABLE']);
    }
  });
});

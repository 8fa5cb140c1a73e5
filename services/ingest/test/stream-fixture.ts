import { pino } from 'pino';
import { expect, vi } from 'vitest';
import type { GrpcError } from '#libs/grpc';
import { PackedStream } from '../src/grpc/packed-stream.js';
import { newKeys, type TestChannel } from './factory.js';
import { Fixture } from './fixture.js';
import { FakeCall, openMessage } from './packed.js';

/** Tries until it holds, also on a busy machine. */
export function until(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 });
}

/** A stream whose client has opened handles for some channels. */
export class StreamFixture extends Fixture {
  readonly call = new FakeCall();
  readonly errors: GrpcError[] = [];
  readonly stream: PackedStream;

  constructor(sessionMs = 3_600_000n) {
    super();
    const session = {
      account: newKeys().address,
      validUntilMs: this.clock.nowMs() + sessionMs,
      signature: new Uint8Array(64),
    };
    const { table, lookup, clock, core } = this;
    const logger = pino({ level: 'silent' });
    const parts = { ...core, table, lookup, clock, logger };
    this.call.on('error', (error: GrpcError) => {
      this.errors.push(error);
      this.call.emit('close');
    });
    this.stream = new PackedStream(this.call.asCall(), session, parts);
  }

  async handlesFor(channels: readonly TestChannel[]): Promise<void> {
    this.call.send(
      openMessage(
        0n,
        channels.map(({ facts }) => facts.id),
      ),
    );
    await until(() => expect(this.call.opened()).toHaveLength(1));
  }

  async answered(batches: number): Promise<void> {
    const count = () => this.call.acks().flatMap((ack) => ack.batches).length;
    await until(() => expect(count()).toBe(batches));
  }
}

import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamPackedResponse, StreamVouchersResponse } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { REASON_TRAILER, SESSION_TRAILER } from '#libs/grpc';
import { eventually } from '#libs/testing';
import { sessionOf } from '../test/cluster.js';
import { bundleOf, channelsOfOnePayer, newKeys, tickOf, voucherOf } from '../test/factory.js';
import { IngestKit, validUntilMs, word } from '../test/ingest.kit.js';
import {
  batchesOf,
  batchMessage,
  openMessage,
  packBundle,
  packTick,
  packVoucher,
  receiptsOf,
} from '../test/packed.js';

let on: IngestKit;

beforeAll(async () => {
  on = await IngestKit.start();
});
afterAll(() => on?.stop());

describe('StreamVouchers', () => {
  it('answers every batch under its sequence and ends after the client does', async () => {
    const channels = [on.openChannel(), on.openChannel(), on.openChannel()];
    const stream = on.ingest.client.streamVouchers();
    const answers = new Map<bigint, StreamVouchersResponse>();
    stream.on('data', (answer: StreamVouchersResponse) => answers.set(answer.sequence, answer));
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    // More batches than may be in flight, so that the stream is paused and read on.
    for (let round = 1; round <= 100; round++) {
      const vouchers = channels.map((channel) => voucherOf(channel, BigInt(round), validUntilMs));
      stream.write({ sequence: BigInt(round), batch: { vouchers, ticks: [], bundles: [] } });
    }
    stream.write({ sequence: 101n, batch: undefined });
    const tooMany = new Array(LIMITS.batchItemsMax + 1).fill(tickOf(on.lateChannel, 1));
    stream.write({ sequence: 102n, batch: { vouchers: [], ticks: tooMany, bundles: [] } });
    stream.end();
    expect((await ended).code).toBe(status.OK);
    expect(answers.size).toBe(102);
    expect(answers.get(101n)?.outcomes).toEqual({ vouchers: [], ticks: [], bundles: [] });
    expect(new Set(answers.get(102n)?.outcomes?.ticks.map(word))).toEqual(
      new Set(['LIMIT_EXCEEDED']),
    );
    expect(answers.get(100n)?.outcomes?.vouchers.map(word)).toEqual([100n, 100n, 100n]);
    for (const channel of channels) {
      await eventually(() => {
        const logged = on.ledger.entriesOf(channel.facts).map((entry) => entry.cumulativeUnits);
        expect(logged.at(-1)).toBe(100n);
        expect(logged).toEqual(logged.toSorted((a, b) => Number(a - b)));
      });
    }
  });

  it('says MALFORMED of bytes that are no message, and ends', async () => {
    const raw = on.ingest.client.makeBidiStreamRequest(
      '/swarmledger.v1.VoucherService/StreamVouchers',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    const ended = new Promise<ServiceError>((resolve) => raw.on('error', resolve));
    raw.on('data', () => undefined);
    raw.write(Buffer.from('ffffff', 'hex'));
    const error = await ended;
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.metadata.get(REASON_TRAILER)).toEqual(['MALFORMED']);
  });

  it('survives a client that goes away in the middle', async () => {
    const channel = on.openChannel();
    const stream = on.ingest.client.streamVouchers();
    stream.on('error', () => undefined);
    const vouchers = [voucherOf(channel, 5n, validUntilMs)];
    stream.write({ sequence: 1n, batch: { vouchers, ticks: [], bundles: [] } });
    await new Promise((resolve) => stream.once('data', resolve));
    stream.write({ sequence: 2n, batch: { vouchers, ticks: [], bundles: [] } });
    stream.cancel();
    expect(await on.words({ vouchers: [voucherOf(channel, 6n, validUntilMs)] })).toEqual([6n]);
  });
});

describe('StreamPacked', () => {
  const payee = newKeys();

  function open(metadata = sessionOf(payee)) {
    const stream = on.ingest.client.streamPacked(metadata);
    const answers: StreamPackedResponse[] = [];
    stream.on('data', (answer: StreamPackedResponse) => answers.push(answer));
    const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    stream.on('error', () => undefined);
    const acks = () =>
      answers.flatMap(({ content }) => (content?.$case === 'ack' ? [content.value] : []));
    return { stream, answers, acks, ended };
  }

  it('takes all kinds of payments by handle and acknowledges their flush', async () => {
    const [paidByVoucher, paidByTick] = [on.openChannel(), on.openChannel()];
    const together = channelsOfOnePayer(4);
    for (const { facts } of together) on.books.hold(facts);
    const { stream, acks, ended } = open();
    const channels = [paidByVoucher, paidByTick, ...together];
    stream.write(
      openMessage(
        0n,
        channels.map(({ facts }) => facts.id),
      ),
    );
    const bundle = bundleOf(
      together.map((channel) => [channel, 4n] as const),
      validUntilMs,
    );
    // Sent at once: the stream itself waits until the handles are known.
    stream.write(
      batchMessage(1n, {
        vouchers: [5n, 6n].map((u) => packVoucher(0, voucherOf(paidByVoucher, u, validUntilMs))),
        ticks: [1, 2, 3].map((index) => packTick(1, tickOf(paidByTick, index))),
        bundles: [packBundle([2, 3, 4, 5], bundle)],
      }),
    );
    stream.end();
    expect((await ended).code).toBe(status.OK);
    expect(acks().flatMap(batchesOf)).toEqual([[1n, []]]);
    expect(new Map(acks().flatMap(receiptsOf))).toEqual(
      new Map([
        [0, 6n],
        [1, 30n],
        [2, 4n],
        [3, 4n],
        [4, 4n],
        [5, 4n],
      ]),
    );
    const place = acks()
      .flatMap(({ positions }) => positions)
      .find(({ partition }) => partition === paidByTick.facts.partition);
    await eventually(() => {
      const numbers = on.ledger
        .record(place!)
        ?.map((block) => 'channelNo' in block && block.channelNo);
      expect(numbers).toContain(paidByTick.facts.channelNo);
    });
  });

  it('answers a thousand batches in order of their flushes, and forgets none', async () => {
    const channels = Array.from({ length: 16 }, () => on.openChannel());
    const { stream, acks, ended } = open();
    stream.write(
      openMessage(
        0n,
        channels.map(({ facts }) => facts.id),
      ),
    );
    for (let round = 1; round <= 1_000; round++) {
      const ticks = channels.map((channel, handle) => packTick(handle, tickOf(channel, round)));
      stream.write(batchMessage(BigInt(round), { ticks }));
    }
    stream.end();
    expect((await ended).code).toBe(status.OK);
    const sequences = acks().flatMap(({ batches }) => batches.map(({ sequence }) => sequence));
    expect(sequences.toSorted((a, b) => Number(a - b))).toEqual(
      Array.from({ length: 1_000 }, (_, at) => BigInt(at + 1)),
    );
    expect(acks().flatMap(({ batches }) => batches.flatMap(({ refused }) => refused))).toEqual([]);
    expect(new Map(acks().flatMap(receiptsOf))).toEqual(
      new Map(channels.map((_, handle) => [handle, 10_000n])),
    );
  });

  it.each([
    ['no session', () => new Metadata()],
    [
      'the session of somebody else',
      () => {
        const metadata = sessionOf(payee);
        const text = String(metadata.get(SESSION_TRAILER)[0]);
        metadata.set(SESSION_TRAILER, text.replace(payee.address, newKeys().address));
        return metadata;
      },
    ],
  ])('wants a session, not %s', async (_what, metadata) => {
    const { ended } = open(metadata());
    const { code, metadata: trailers } = await ended;
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(trailers.get(REASON_TRAILER)).toEqual(['UNAUTHENTICATED']);
  });

  it('ends with a sentence at a message that breaks the protocol', async () => {
    const { stream, ended } = open();
    stream.write(openMessage(7n, [Buffer.alloc(31)]));
    const { code, details, metadata } = await ended;
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(metadata.get(REASON_TRAILER)).toEqual(['MALFORMED']);
    expect(details).toBe('message 7: channel_ids: 31 bytes are not one or more ids of 32');
  });
});

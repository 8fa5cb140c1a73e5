import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Outcome,
  type PaymentBatch,
  type PostVouchersResponse,
  type Receipt,
  reasonFromWire,
  type StreamPackedResponse,
  type StreamVouchersResponse,
} from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { REASON_TRAILER, SESSION_TRAILER } from '#libs/grpc';
import { eventually, testKafkaBrokers } from '#libs/testing';
import {
  type RunningIngest,
  sessionOf,
  startBooks,
  startIngest,
  TestLedger,
} from '../test/cluster.js';
import {
  bundleOf,
  channelsOfOnePayer,
  FAR_FUTURE_MS,
  newChannel,
  newKeys,
  type TestChannel,
  tickOf,
  voucherOf,
} from '../test/factory.js';
import {
  batchesOf,
  batchMessage,
  openMessage,
  packBundle,
  packTick,
  packVoucher,
  receiptsOf,
} from '../test/packed.js';

const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
const lateChannel = newChannel();
let ledger: TestLedger;
let ingest: RunningIngest;
let books: Awaited<ReturnType<typeof startBooks>>;

beforeAll(async () => {
  ledger = new TestLedger(testKafkaBrokers());
  await ledger.start();
  books = await startBooks(lateChannel.facts);
  ingest = await startIngest({ brokers: testKafkaBrokers(), balance: books.address });
  await untilReady();
});

afterAll(async () => {
  await ingest?.stop();
  books?.stop();
  await ledger?.stop();
});

async function untilReady(): Promise<void> {
  const expected = { status: 200, checks: { channels: 'ok', marks: 'ok', 'voucher-log': 'ok' } };
  await eventually(async () => expect(await ingest.ready()).toMatchObject(expected), {
    timeoutMs: 30_000,
  });
}

/** A channel that the books know; ingest asks for it when it is first paid. */
function openChannel(change = {}): TestChannel {
  const channel = newChannel(change);
  books.hold(channel.facts);
  return channel;
}

function post(batch: Partial<PaymentBatch> | undefined): Promise<PostVouchersResponse> {
  const full = batch && { vouchers: [], ticks: [], bundles: [], ...batch };
  return new Promise((resolve, reject) => {
    ingest.client.postVouchers({ batch: full }, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}

function word(outcome: Outcome) {
  const { result } = outcome;
  if (result?.$case === 'receipt') return result.value.acceptedUnits;
  return result && reasonFromWire(result.value.reason);
}

async function words(batch: Partial<PaymentBatch>) {
  const { outcomes } = await post(batch);
  const bundled = outcomes?.bundles.flatMap(({ entries }) => entries) ?? [];
  return [...(outcomes?.vouchers ?? []), ...(outcomes?.ticks ?? []), ...bundled].map(word);
}

describe('PostVouchers', () => {
  it('logs the highest voucher and tick of a channel and answers with the record they stand in', async () => {
    const [paidByVoucher, paidByTick] = [openChannel(), openChannel()];
    const { outcomes } = await post({
      vouchers: [5n, 9n, 2n].map((units) => voucherOf(paidByVoucher, units, validUntilMs)),
      ticks: [tickOf(paidByTick, 3), tickOf(paidByTick, 4)],
    });
    expect([...outcomes!.vouchers, ...outcomes!.ticks].map(word)).toEqual([9n, 9n, 9n, 40n, 40n]);
    const receipt = outcomes!.vouchers[0]!.result!.value as Receipt;
    expect(receipt.channelId).toEqual(Buffer.from(paidByVoucher.facts.id));
    expect(receipt.partition).toBe(paidByVoucher.facts.partition);
    const record = await eventually(() => {
      const found = ledger.record(receipt);
      expect(found).toBeDefined();
      return found!;
    });
    const { signature } = voucherOf(paidByVoucher, 9n, validUntilMs);
    expect(record).toContainEqual({
      kind: 'voucher',
      channelNo: paidByVoucher.facts.channelNo,
      cumulativeUnits: 9n,
      detail: validUntilMs,
      proof: signature,
    });
    await eventually(() =>
      expect(ledger.entriesOf(paidByTick.facts)).toMatchObject([
        { kind: 'tick', cumulativeUnits: 40n, detail: 4n, proof: tickOf(paidByTick, 4).preimage },
      ]),
    );
  });

  it('takes payments of the key that signs the channel, and not of another, be it the payer’s', async () => {
    const session = newKeys();
    const { publicKey: signerKey } = session;
    const channel = openChannel({ signerKey });
    expect(await words({ vouchers: [voucherOf(channel, 5n, validUntilMs)] })).toEqual([
      'BAD_SIGNATURE',
    ]);
    expect(await words({ vouchers: [voucherOf(channel, 6n, validUntilMs, session)] })).toEqual([
      6n,
    ]);
    // One payer, two signers: no single signature can pay both.
    const [one, two] = channelsOfOnePayer(2).map(({ facts, ...keys }, at) => ({
      ...keys,
      facts: at === 0 ? facts : { ...facts, signerKey },
    })) as [TestChannel, TestChannel];
    for (const { facts } of [one, two]) books.hold(facts);
    for (const signer of [one.payer, session]) {
      const mixed = bundleOf([[one, 3n] as const, [two, 3n] as const], validUntilMs, signer);
      expect(await words({ bundles: [mixed] })).toEqual(['MALFORMED', 'MALFORMED']);
    }
    const together = channelsOfOnePayer(2, { signerKey });
    for (const { facts } of together) books.hold(facts);
    const payments = together.map((each) => [each, 4n] as const);
    expect(await words({ bundles: [bundleOf(payments, validUntilMs)] })).toEqual([
      'BAD_SIGNATURE',
      'BAD_SIGNATURE',
    ]);
    const bundle = bundleOf(payments, validUntilMs, session);
    expect(await words({ bundles: [bundle] })).toEqual([4n, 4n]);
  });

  it('names a reason for every bad payment and still takes the good one', async () => {
    const channel = openChannel({ acceptedUnits: 10n });
    const good = voucherOf(channel, 11n, validUntilMs);
    const vouchers = [
      { ...good, signature: Buffer.alloc(10) },
      { ...good, channelId: Buffer.alloc(0) },
      { ...good, payee: '' },
      { ...good, channelId: Buffer.alloc(32, 1) },
      { ...good, payee: newKeys().address },
      voucherOf(channel, 12n, 1n),
      voucherOf(channel, 1_000_001n, validUntilMs),
      voucherOf(channel, 10n, validUntilMs),
      voucherOf(channel, 12n, validUntilMs, newKeys()),
      good,
    ];
    const ticks = [
      { ...tickOf(channel, 1), preimage: Buffer.alloc(1) },
      { ...tickOf(channel, 1), index: LIMITS.ticksMax + 1n },
      { ...tickOf(channel, 1), index: 20_001n },
    ];
    expect(await words({ vouchers, ticks })).toEqual([
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
      'CHANNEL_UNKNOWN',
      'PAYEE_MISMATCH',
      'EXPIRED',
      'ABOVE_DEPOSIT',
      'SUPERSEDED',
      'BAD_SIGNATURE',
      11n,
      'MALFORMED',
      'LIMIT_EXCEEDED',
      'TICK_OUT_OF_RANGE',
    ]);
  });

  it('logs a bundle as one block and answers each of its channels', async () => {
    const channels = channelsOfOnePayer(32);
    for (const { facts } of channels) books.hold(facts);
    const bundle = bundleOf(
      channels.map((channel) => [channel, 5n] as const),
      validUntilMs,
    );
    const { outcomes } = await post({ bundles: [bundle] });
    const entries = outcomes!.bundles[0]!.entries;
    expect(entries.map(word)).toEqual(new Array(32).fill(5n));
    const receipt = entries[31]!.result!.value as Receipt;
    await eventually(() =>
      expect(ledger.record(receipt)).toContainEqual({
        kind: 'bundle',
        validUntilMs,
        signature: bundle.signature,
        entries: channels.map(({ facts }) => ({
          channelNo: facts.channelNo,
          cumulativeUnits: 5n,
          accepted: true,
        })),
      }),
    );
  });

  it('asks the books for a channel that was opened a moment ago', async () => {
    const before = books.asked;
    expect(await words({ vouchers: [voucherOf(lateChannel, 3n, validUntilMs)] })).toEqual([3n]);
    expect(await words({ vouchers: [voucherOf(lateChannel, 4n, validUntilMs)] })).toEqual([4n]);
    expect(books.asked).toBe(before + 1);
  });

  it('takes no payment of a channel whose closing was published', async () => {
    const channel = openChannel();
    expect(await words({ ticks: [tickOf(channel, 1)] })).toEqual([10n]);
    await ledger.publish({ ...channel.facts, state: 'closing', closesAtMs: 1n });
    await eventually(async () => {
      expect(await words({ ticks: [tickOf(channel, 2)] })).toEqual(['CHANNEL_CLOSED']);
    });
  });

  it('stops accepting while marks stay away, and goes on when they return', async () => {
    const channel = openChannel();
    ledger.stopMarks();
    await eventually(async () => expect((await ingest.ready()).checks.marks).toContain('ms old'));
    expect(await words({ ticks: [tickOf(channel, 1)] })).toEqual(['UNAVAILABLE']);
    ledger.startMarks();
    await untilReady();
    expect(await words({ ticks: [tickOf(channel, 1)] })).toEqual([10n]);
  });

  it.each([
    ['no batch', undefined, status.INVALID_ARGUMENT, 'MALFORMED'],
    ['an empty batch', { vouchers: [], ticks: [] }, status.INVALID_ARGUMENT, 'MALFORMED'],
    [
      'too many payments',
      { ticks: new Array(LIMITS.batchItemsMax + 1).fill(tickOf(lateChannel, 1)) },
      status.INVALID_ARGUMENT,
      'LIMIT_EXCEEDED',
    ],
    [
      'too many bytes',
      { ticks: [{ ...tickOf(lateChannel, 1), preimage: Buffer.alloc(LIMITS.requestBytesMax) }] },
      status.RESOURCE_EXHAUSTED,
      undefined,
    ],
  ])('refuses a request with %s as a whole', async (_what, batch, code, reason) => {
    const error = await post(batch).then(
      () => undefined,
      (thrown: ServiceError) => thrown,
    );
    expect(error?.code).toBe(code);
    expect(error?.metadata.get(REASON_TRAILER)[0]).toBe(reason);
  });
});

describe('StreamVouchers', () => {
  it('answers every batch under its sequence and ends after the client does', async () => {
    const channels = [openChannel(), openChannel(), openChannel()];
    const stream = ingest.client.streamVouchers();
    const answers = new Map<bigint, StreamVouchersResponse>();
    stream.on('data', (answer: StreamVouchersResponse) => answers.set(answer.sequence, answer));
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    // More batches than may be in flight, so that the stream is paused and read on.
    for (let round = 1; round <= 100; round++) {
      const vouchers = channels.map((channel) => voucherOf(channel, BigInt(round), validUntilMs));
      stream.write({ sequence: BigInt(round), batch: { vouchers, ticks: [], bundles: [] } });
    }
    stream.write({ sequence: 101n, batch: undefined });
    const tooMany = new Array(LIMITS.batchItemsMax + 1).fill(tickOf(lateChannel, 1));
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
        const logged = ledger.entriesOf(channel.facts).map((entry) => entry.cumulativeUnits);
        expect(logged.at(-1)).toBe(100n);
        expect(logged).toEqual(logged.toSorted((a, b) => Number(a - b)));
      });
    }
  });

  it('says MALFORMED of bytes that are no message, and ends', async () => {
    const raw = ingest.client.makeBidiStreamRequest(
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
    const channel = openChannel();
    const stream = ingest.client.streamVouchers();
    stream.on('error', () => undefined);
    const vouchers = [voucherOf(channel, 5n, validUntilMs)];
    stream.write({ sequence: 1n, batch: { vouchers, ticks: [], bundles: [] } });
    await new Promise((resolve) => stream.once('data', resolve));
    stream.write({ sequence: 2n, batch: { vouchers, ticks: [], bundles: [] } });
    stream.cancel();
    expect(await words({ vouchers: [voucherOf(channel, 6n, validUntilMs)] })).toEqual([6n]);
  });
});

describe('StreamPacked', () => {
  const payee = newKeys();

  function open(metadata = sessionOf(payee)) {
    const stream = ingest.client.streamPacked(metadata);
    const answers: StreamPackedResponse[] = [];
    stream.on('data', (answer: StreamPackedResponse) => answers.push(answer));
    const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    stream.on('error', () => undefined);
    const acks = () =>
      answers.flatMap(({ content }) => (content?.$case === 'ack' ? [content.value] : []));
    return { stream, answers, acks, ended };
  }

  it('takes all kinds of payments by handle and acknowledges their flush', async () => {
    const [paidByVoucher, paidByTick] = [openChannel(), openChannel()];
    const together = channelsOfOnePayer(4);
    for (const { facts } of together) books.hold(facts);
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
      const numbers = ledger
        .record(place!)
        ?.map((block) => 'channelNo' in block && block.channelNo);
      expect(numbers).toContain(paidByTick.facts.channelNo);
    });
  });

  it('answers a thousand batches in order of their flushes, and forgets none', async () => {
    const channels = Array.from({ length: 16 }, () => openChannel());
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

describe('metrics', () => {
  it('tells what it counts', async () => {
    const text = await eventually(async () => {
      const page = await ingest.metrics();
      expect(page).toMatch(/swarmledger_ingest_in_flight_items\{service="ingest"\} 0\n/);
      return page;
    });
    expect(text).toMatch(
      /swarmledger_payments_accepted_total\{kind="voucher",service="ingest"\} \d/,
    );
    expect(text).toMatch(
      /swarmledger_payments_accepted_total\{kind="bundle",service="ingest"\} \d/,
    );
    expect(text).toMatch(/swarmledger_payments_refused_total\{kind="tick",reason="MALFORMED"/);
    expect(text).toMatch(/swarmledger_ingest_view_age_seconds\{service="ingest"\} [\d.]+/);
  });
});

describe('the process', () => {
  it('answers what is inside when it stops, and ends its streams with UNAVAILABLE', async () => {
    const channel = openChannel();
    const other = await startIngest({ brokers: testKafkaBrokers(), balance: books.address });
    await eventually(async () => expect((await other.ready()).status).toBe(200), {
      timeoutMs: 30_000,
    });
    const stream = other.client.streamVouchers();
    const answers: unknown[] = [];
    stream.on('data', (answer: StreamVouchersResponse) =>
      answers.push(answer.outcomes?.vouchers.map(word)),
    );
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    const vouchers = [voucherOf(channel, 7n, validUntilMs)];
    stream.write({ sequence: 1n, batch: { vouchers, ticks: [], bundles: [] } });
    await eventually(() => expect(answers).toHaveLength(1));
    await other.stop();
    const error = await ended;
    expect(answers).toEqual([[7n]]);
    expect(error.code).toBe(status.UNAVAILABLE);
    expect(error.metadata.get(REASON_TRAILER)).toEqual(['UNAVAILABLE']);
  });

  it('starts without Kafka: alive, not ready with the reason, and refusing', async () => {
    const lonely = await startIngest({ brokers: '127.0.0.1:1' });
    await eventually(async () => {
      const { status: code, checks } = await lonely.ready();
      expect(code).toBe(503);
      expect(checks.channels).toMatch(/channels topic/);
      expect(checks.marks).toMatch(/has none yet/);
      expect(checks['voucher-log']).toMatch(/not connected|cannot be written/);
    });
    const { outcomes } = await new Promise<PostVouchersResponse>((resolve, reject) => {
      const vouchers = [voucherOf(lateChannel, 9n, validUntilMs)];
      const batch = { vouchers, ticks: [], bundles: [] };
      lonely.client.postVouchers({ batch }, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    expect(outcomes?.vouchers.map(word)).toEqual(['UNAVAILABLE']);
    await lonely.stop();
  });
});

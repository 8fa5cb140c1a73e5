import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Outcome,
  type PaymentBatch,
  type PostVouchersResponse,
  type Receipt,
  reasonFromWire,
  type StreamVouchersResponse,
} from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { REASON_TRAILER } from '#libs/grpc';
import { eventually, testKafkaBrokers } from '#libs/testing';
import { type RunningIngest, startBooks, startIngest, TestLedger } from '../test/cluster.js';
import { FAR_FUTURE_MS, newChannel, newKeys, tickOf, voucherOf } from '../test/factory.js';

const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
const lateChannel = newChannel();
let ledger: TestLedger;
let ingest: RunningIngest;
let books: Awaited<ReturnType<typeof startBooks>>;

beforeAll(async () => {
  ledger = new TestLedger(testKafkaBrokers());
  await ledger.start();
  books = await startBooks([lateChannel.facts]);
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

/** A published channel, once ingest knows it: a payment to another payee is told apart by then. */
async function openChannel(change = {}) {
  const channel = newChannel(change);
  await ledger.publish(channel.facts);
  const probe = { ...voucherOf(channel, 1n, validUntilMs), payee: newKeys().address };
  await eventually(async () => {
    expect(await words({ vouchers: [probe] })).toEqual(['PAYEE_MISMATCH']);
  });
  return channel;
}

function post(batch: Partial<PaymentBatch> | undefined): Promise<PostVouchersResponse> {
  const full = batch && { vouchers: [], ticks: [], ...batch };
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
  return [...(outcomes?.vouchers ?? []), ...(outcomes?.ticks ?? [])].map(word);
}

describe('PostVouchers', () => {
  it('logs the highest voucher and tick of a channel and answers with the record they stand in', async () => {
    const [paidByVoucher, paidByTick] = [await openChannel(), await openChannel()];
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

  it('names a reason for every bad payment and still takes the good one', async () => {
    const channel = await openChannel({ acceptedUnits: 10n });
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

  it('asks the books for a channel that was opened a moment ago', async () => {
    const before = books.asked;
    expect(await words({ vouchers: [voucherOf(lateChannel, 3n, validUntilMs)] })).toEqual([3n]);
    expect(await words({ vouchers: [voucherOf(lateChannel, 4n, validUntilMs)] })).toEqual([4n]);
    expect(books.asked).toBe(before + 1);
  });

  it('takes no payment of a channel whose closing was published', async () => {
    const channel = await openChannel();
    await ledger.publish({ ...channel.facts, state: 'closing', closesAtMs: 1n });
    await eventually(async () => {
      expect(await words({ ticks: [tickOf(channel, 1)] })).toEqual(['CHANNEL_CLOSED']);
    });
  });

  it('stops accepting while marks stay away, and goes on when they return', async () => {
    const channel = await openChannel();
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
    const channels = await Promise.all([openChannel(), openChannel(), openChannel()]);
    const stream = ingest.client.streamVouchers();
    const answers = new Map<bigint, StreamVouchersResponse>();
    stream.on('data', (answer: StreamVouchersResponse) => answers.set(answer.sequence, answer));
    const ended = new Promise<{ code: number }>((resolve) => stream.on('status', resolve));
    // More batches than may be in flight, so that the stream is paused and read on.
    for (let round = 1; round <= 100; round++) {
      const vouchers = channels.map((channel) => voucherOf(channel, BigInt(round), validUntilMs));
      stream.write({ sequence: BigInt(round), batch: { vouchers, ticks: [] } });
    }
    stream.write({ sequence: 101n, batch: undefined });
    const tooMany = new Array(LIMITS.batchItemsMax + 1).fill(tickOf(lateChannel, 1));
    stream.write({ sequence: 102n, batch: { vouchers: [], ticks: tooMany } });
    stream.end();
    expect((await ended).code).toBe(status.OK);
    expect(answers.size).toBe(102);
    expect(answers.get(101n)?.outcomes).toEqual({ vouchers: [], ticks: [] });
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

  it('survives a client that goes away in the middle', async () => {
    const channel = await openChannel();
    const stream = ingest.client.streamVouchers();
    stream.on('error', () => undefined);
    const vouchers = [voucherOf(channel, 5n, validUntilMs)];
    stream.write({ sequence: 1n, batch: { vouchers, ticks: [] } });
    await new Promise((resolve) => stream.once('data', resolve));
    stream.write({ sequence: 2n, batch: { vouchers, ticks: [] } });
    stream.cancel();
    expect(await words({ vouchers: [voucherOf(channel, 6n, validUntilMs)] })).toEqual([6n]);
  });

  it('tells what it counts', async () => {
    const text = await eventually(async () => {
      const page = await ingest.metrics();
      expect(page).toMatch(/swarmledger_ingest_in_flight_items\{service="ingest"\} 0\n/);
      return page;
    });
    expect(text).toMatch(
      /swarmledger_payments_accepted_total\{kind="voucher",service="ingest"\} \d/,
    );
    expect(text).toMatch(/swarmledger_payments_refused_total\{kind="tick",reason="MALFORMED"/);
    expect(text).toMatch(/swarmledger_ingest_view_age_seconds\{service="ingest"\} [\d.]+/);
  });
});

describe('the process', () => {
  it('answers what is inside when it stops, and ends its streams with UNAVAILABLE', async () => {
    const channel = await openChannel();
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
    stream.write({ sequence: 1n, batch: { vouchers, ticks: [] } });
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
      const batch = { vouchers: [voucherOf(lateChannel, 9n, validUntilMs)], ticks: [] };
      lonely.client.postVouchers({ batch }, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    expect(outcomes?.vouchers.map(word)).toEqual(['UNAVAILABLE']);
    await lonely.stop();
  });
});

import { type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostVouchersResponse, Receipt, StreamVouchersResponse } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { REASON_TRAILER } from '#libs/grpc';
import { eventually, testKafkaBrokers } from '#libs/testing';
import { startIngest } from '../test/cluster.js';
import {
  bundleOf,
  channelsOfOnePayer,
  newKeys,
  type TestChannel,
  tickOf,
  voucherOf,
} from '../test/factory.js';
import { IngestKit, validUntilMs, word } from '../test/ingest.kit.js';

let on: IngestKit;

beforeAll(async () => {
  on = await IngestKit.start();
});
afterAll(() => on?.stop());

describe('PostVouchers', () => {
  it('logs the highest voucher and tick of a channel and answers with the record they stand in', async () => {
    const [paidByVoucher, paidByTick] = [on.openChannel(), on.openChannel()];
    const { outcomes } = await on.post({
      vouchers: [5n, 9n, 2n].map((units) => voucherOf(paidByVoucher, units, validUntilMs)),
      ticks: [tickOf(paidByTick, 3), tickOf(paidByTick, 4)],
    });
    expect([...outcomes!.vouchers, ...outcomes!.ticks].map(word)).toEqual([9n, 9n, 9n, 40n, 40n]);
    const receipt = outcomes!.vouchers[0]!.result!.value as Receipt;
    expect(receipt.channelId).toEqual(Buffer.from(paidByVoucher.facts.id));
    expect(receipt.partition).toBe(paidByVoucher.facts.partition);
    const record = await eventually(() => {
      const found = on.ledger.record(receipt);
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
      expect(on.ledger.entriesOf(paidByTick.facts)).toMatchObject([
        { kind: 'tick', cumulativeUnits: 40n, detail: 4n, proof: tickOf(paidByTick, 4).preimage },
      ]),
    );
  });

  it('takes payments of the key that signs the channel, and not of another, be it the payer’s', async () => {
    const session = newKeys();
    const { publicKey: signerKey } = session;
    const channel = on.openChannel({ signerKey });
    expect(await on.words({ vouchers: [voucherOf(channel, 5n, validUntilMs)] })).toEqual([
      'BAD_SIGNATURE',
    ]);
    expect(await on.words({ vouchers: [voucherOf(channel, 6n, validUntilMs, session)] })).toEqual([
      6n,
    ]);
    // One payer, two signers: no single signature can pay both.
    const [one, two] = channelsOfOnePayer(2).map(({ facts, ...keys }, at) => ({
      ...keys,
      facts: at === 0 ? facts : { ...facts, signerKey },
    })) as [TestChannel, TestChannel];
    for (const { facts } of [one, two]) on.books.hold(facts);
    for (const signer of [one.payer, session]) {
      const mixed = bundleOf([[one, 3n] as const, [two, 3n] as const], validUntilMs, signer);
      expect(await on.words({ bundles: [mixed] })).toEqual(['MALFORMED', 'MALFORMED']);
    }
    const together = channelsOfOnePayer(2, { signerKey });
    for (const { facts } of together) on.books.hold(facts);
    const payments = together.map((each) => [each, 4n] as const);
    expect(await on.words({ bundles: [bundleOf(payments, validUntilMs)] })).toEqual([
      'BAD_SIGNATURE',
      'BAD_SIGNATURE',
    ]);
    const bundle = bundleOf(payments, validUntilMs, session);
    expect(await on.words({ bundles: [bundle] })).toEqual([4n, 4n]);
  });

  it('names a reason for every bad payment and still takes the good one', async () => {
    const channel = on.openChannel({ acceptedUnits: 10n });
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
    expect(await on.words({ vouchers, ticks })).toEqual([
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
    for (const { facts } of channels) on.books.hold(facts);
    const bundle = bundleOf(
      channels.map((channel) => [channel, 5n] as const),
      validUntilMs,
    );
    const { outcomes } = await on.post({ bundles: [bundle] });
    const entries = outcomes!.bundles[0]!.entries;
    expect(entries.map(word)).toEqual(new Array(32).fill(5n));
    const receipt = entries[31]!.result!.value as Receipt;
    await eventually(() =>
      expect(on.ledger.record(receipt)).toContainEqual({
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
    const before = on.books.asked;
    expect(await on.words({ vouchers: [voucherOf(on.lateChannel, 3n, validUntilMs)] })).toEqual([
      3n,
    ]);
    expect(await on.words({ vouchers: [voucherOf(on.lateChannel, 4n, validUntilMs)] })).toEqual([
      4n,
    ]);
    expect(on.books.asked).toBe(before + 1);
  });

  it('takes no payment of a channel whose closing was published', async () => {
    const channel = on.openChannel();
    expect(await on.words({ ticks: [tickOf(channel, 1)] })).toEqual([10n]);
    await on.ledger.publish({ ...channel.facts, state: 'closing', closesAtMs: 1n });
    await eventually(async () => {
      expect(await on.words({ ticks: [tickOf(channel, 2)] })).toEqual(['CHANNEL_CLOSED']);
    });
  });

  it('stops accepting while marks stay away, and goes on when they return', async () => {
    const channel = on.openChannel();
    on.ledger.stopMarks();
    await eventually(async () =>
      expect((await on.ingest.ready()).checks.marks).toContain('ms old'),
    );
    expect(await on.words({ ticks: [tickOf(channel, 1)] })).toEqual(['UNAVAILABLE']);
    on.ledger.startMarks();
    await on.untilReady();
    expect(await on.words({ ticks: [tickOf(channel, 1)] })).toEqual([10n]);
  });

  it.each([
    ['no batch', () => undefined, status.INVALID_ARGUMENT, 'MALFORMED'],
    ['an empty batch', () => ({ vouchers: [], ticks: [] }), status.INVALID_ARGUMENT, 'MALFORMED'],
    [
      'too many payments',
      () => ({ ticks: new Array(LIMITS.batchItemsMax + 1).fill(tickOf(on.lateChannel, 1)) }),
      status.INVALID_ARGUMENT,
      'LIMIT_EXCEEDED',
    ],
    [
      'too many bytes',
      () => ({
        ticks: [{ ...tickOf(on.lateChannel, 1), preimage: Buffer.alloc(LIMITS.requestBytesMax) }],
      }),
      status.RESOURCE_EXHAUSTED,
      undefined,
    ],
  ])('refuses a request with %s as a whole', async (_what, batch, code, reason) => {
    const error = await on.post(batch()).then(
      () => undefined,
      (thrown: ServiceError) => thrown,
    );
    expect(error?.code).toBe(code);
    expect(error?.metadata.get(REASON_TRAILER)[0]).toBe(reason);
  });
});

describe('metrics', () => {
  it('tells what it counts', async () => {
    const text = await eventually(async () => {
      const page = await on.ingest.metrics();
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
    const channel = on.openChannel();
    const other = await startIngest({ brokers: testKafkaBrokers(), balance: on.books.address });
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
      const vouchers = [voucherOf(on.lateChannel, 9n, validUntilMs)];
      const batch = { vouchers, ticks: [], bundles: [] };
      lonely.client.postVouchers({ batch }, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    expect(outcomes?.vouchers.map(word)).toEqual(['UNAVAILABLE']);
    await lonely.stop();
  });
});

import { expect } from 'vitest';
import type { Outcome, PaymentBatch, PostVouchersResponse } from '#libs/contracts';
import { reasonFromWire } from '#libs/contracts';
import { eventually, testKafkaBrokers } from '#libs/testing';
import { type RunningIngest, startBooks, startIngest, TestLedger } from './cluster.js';
import { FAR_FUTURE_MS, newChannel, type TestChannel } from './factory.js';

/** Until when the vouchers of a spec are good. */
export const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;

/** A running ingest on a real Kafka, with books that know what a spec opens. */
export class IngestKit {
  private constructor(
    readonly ledger: TestLedger,
    readonly books: Awaited<ReturnType<typeof startBooks>>,
    readonly ingest: RunningIngest,
    /** A channel that the books learnt of before ingest started, and that nobody has paid yet. */
    readonly lateChannel: TestChannel,
  ) {}

  static async start(): Promise<IngestKit> {
    const lateChannel = newChannel();
    const ledger = new TestLedger(testKafkaBrokers());
    await ledger.start();
    const books = await startBooks(lateChannel.facts);
    const ingest = await startIngest({ brokers: testKafkaBrokers(), balance: books.address });
    const kit = new IngestKit(ledger, books, ingest, lateChannel);
    await kit.untilReady();
    return kit;
  }

  async stop(): Promise<void> {
    await this.ingest.stop();
    this.books.stop();
    await this.ledger.stop();
  }

  async untilReady(): Promise<void> {
    const expected = { status: 200, checks: { channels: 'ok', marks: 'ok', 'voucher-log': 'ok' } };
    await eventually(async () => expect(await this.ingest.ready()).toMatchObject(expected), {
      timeoutMs: 30_000,
    });
  }

  /** A channel that the books know; ingest asks for it when it is first paid. */
  openChannel(change = {}): TestChannel {
    const channel = newChannel(change);
    this.books.hold(channel.facts);
    return channel;
  }

  post(batch: Partial<PaymentBatch> | undefined): Promise<PostVouchersResponse> {
    const full = batch && { vouchers: [], ticks: [], bundles: [], ...batch };
    return new Promise((resolve, reject) => {
      this.ingest.client.postVouchers({ batch: full }, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }

  /** What became of each payment, by {@link word}. */
  async words(batch: Partial<PaymentBatch>) {
    const { outcomes } = await this.post(batch);
    const bundled = outcomes?.bundles.flatMap(({ entries }) => entries) ?? [];
    return [...(outcomes?.vouchers ?? []), ...(outcomes?.ticks ?? []), ...bundled].map(word);
  }
}

/** The accepted amount, or the reason of the refusal. */
export function word(outcome: Outcome) {
  const { result } = outcome;
  if (result?.$case === 'receipt') return result.value.acceptedUnits;
  return result && reasonFromWire(result.value.reason);
}

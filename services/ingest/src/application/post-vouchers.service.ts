import { setTimeout as sleep } from 'node:timers/promises';
import { accept, partitionOf, type Refusal, type Result } from '#libs/domain';
import { type BundleMessage, checkBundleForm } from '../domain/bundle.ladder.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { type Outcome, staleRefusal } from '../domain/claim.js';
import type { Budget } from '../domain/failure-budget.js';
import { checkTickForm, type TickMessage } from '../domain/tick.ladder.js';
import { checkVoucherForm, type VoucherMessage } from '../domain/voucher.ladder.js';
import type { Flusher } from './flusher.js';
import { type PaymentIntake, refuseBundle } from './payment-intake.js';
import { PaymentTally } from './payment-tally.js';
import type { Clock, IngestMeter } from './ports.js';
import type { RequestGate } from './request-gate.js';
import { OutcomeSubmission, type Submission } from './submission.js';

const CHANNEL_ID_BYTES = 32;
const NUMBERS_BYTES = 16;

/** The payments of one request. */
export type Payments = {
  readonly vouchers: readonly VoucherMessage[];
  readonly ticks: readonly TickMessage[];
  readonly bundles: readonly BundleMessage[];
};

/** What {@link PostVouchersService} is made of. */
export type PostVouchersParts = {
  readonly gate: RequestGate;
  readonly table: ChannelTable;
  readonly intake: PaymentIntake;
  readonly flusher: Flusher;
  readonly clock: Clock;
  readonly meter: IngestMeter;
};

/** Takes typed payments up the ladder as far as it goes without a proof, and waits for their flush. */
export class PostVouchersService {
  readonly #parts: PostVouchersParts;

  constructor(parts: PostVouchersParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with an outcome per payment within ten seconds: vouchers, then ticks, then the entries of
   * the bundles. Refuses as a whole with what {@link RequestGate.refusal} says.
   */
  async post(payments: Payments, sender: Budget): Promise<Result<Outcome[]>> {
    const { gate, flusher } = this.#parts;
    const counts = countsOf(payments);
    const bytes = bytesOf(payments);
    const refusal = gate.refusal(
      counts.vouchers + counts.ticks + counts.bundleEntries,
      bytes,
      sender,
    );
    if (refusal !== undefined) {
      this.#countRefusal(counts, refusal);
      return refusal;
    }
    const submission = new OutcomeSubmission(counts, sender);
    const leave = gate.enter(submission, bytes);
    try {
      this.#climb(payments, submission);
      flusher.noteQueue();
      return accept(await submission.answered);
    } finally {
      leave();
    }
  }

  /** Lets nothing more in, flushes what is inside and resolves when all of it is answered. */
  async drain(withinMs: number): Promise<void> {
    const { gate, intake, flusher } = this.#parts;
    gate.close();
    const flushed = intake.settled().then(() => flusher.drain());
    await Promise.race([flushed, sleep(withinMs, undefined, { ref: false })]);
  }

  #climb({ vouchers, ticks, bundles }: Payments, submission: Submission): void {
    const nowMs = Number(this.#parts.clock.nowMs());
    let item = 0;
    for (const voucher of vouchers) this.#voucher(submission, voucher, item++, nowMs);
    for (const tick of ticks) this.#tick(submission, tick, item++, nowMs);
    for (const bundle of bundles) {
      this.#bundle(submission, bundle, item, nowMs);
      item += bundle.entries.length;
    }
  }

  #voucher(submission: Submission, voucher: VoucherMessage, item: number, nowMs: number): void {
    const { channelId, cumulativeUnits, signature, payee } = voucher;
    const refusal = checkVoucherForm(voucher, nowMs);
    const detail = Number(voucher.validUntilMs);
    this.#withRow(submission, { channelId, item, refusal, nowMs }, (row, laterMs) => {
      const payment = { item, tag: 0, row, cumulativeUnits, detail, proof: signature, proofAt: 0 };
      this.#parts.intake.voucher(submission, payment, payee, laterMs);
    });
  }

  #tick(submission: Submission, tick: TickMessage, item: number, nowMs: number): void {
    const { channelId, preimage } = tick;
    const refusal = checkTickForm(tick);
    const detail = Number(tick.index);
    this.#withRow(submission, { channelId, item, refusal, nowMs }, (row, laterMs) => {
      const payment = {
        item,
        tag: 0,
        row,
        cumulativeUnits: 0n,
        detail,
        proof: preimage,
        proofAt: 0,
      };
      this.#parts.intake.tick(submission, payment, laterMs);
    });
  }

  #withRow(
    submission: Submission,
    payment: { channelId: Uint8Array; item: number; refusal: Refusal | undefined; nowMs: number },
    stand: (row: number, nowMs: number) => void,
  ): void {
    const { table, intake } = this.#parts;
    const { channelId, item, nowMs } = payment;
    const refusal = payment.refusal ?? this.#freshness(channelId, nowMs);
    if (refusal !== undefined) {
      submission.settle(item, 0, refusal);
      return;
    }
    const row = table.find(channelId);
    if (row >= 0) {
      stand(row, nowMs);
      return;
    }
    intake.whenKnown(submission, channelId, {
      known: ([found = 0], laterMs) => stand(found, laterMs),
      unknown: (unknown) => submission.settle(item, 0, unknown),
    });
  }

  #bundle(submission: Submission, bundle: BundleMessage, firstItem: number, nowMs: number): void {
    const { table, intake } = this.#parts;
    const { entries, validUntilMs, signature } = bundle;
    if (entries.length === 0) return;
    const tags = new Uint8Array(entries.length);
    const refusal = checkBundleForm(bundle, nowMs) ?? this.#freshness(entries[0]?.channelId, nowMs);
    if (refusal !== undefined) {
      refuseBundle(submission, { firstItem, tags }, refusal);
      return;
    }
    const units = entries.map(({ cumulativeUnits }) => cumulativeUnits);
    const payment = { firstItem, tags, units, validUntilMs, signature };
    const rows = entries.map(({ channelId }) => table.find(channelId));
    if (rows.every((row) => row >= 0)) {
      intake.bundle(submission, { ...payment, rows }, nowMs);
      return;
    }
    const ids = Uint8Array.from(Buffer.concat(entries.map(({ channelId }) => channelId)));
    intake.whenKnown(submission, ids, {
      known: (found, laterMs) => intake.bundle(submission, { ...payment, rows: found }, laterMs),
      unknown: (unknown) => refuseBundle(submission, payment, unknown),
    });
  }

  // While marks are late nobody knows which channels are closing. This also keeps questions to the
  // books away while the marks are still awaited at the start.
  #freshness(channelId: Uint8Array | undefined, nowMs: number): Refusal | undefined {
    const { table } = this.#parts;
    if (channelId === undefined) return undefined;
    const partition = partitionOf(channelId, table.partitions);
    return table.isFresh(partition, nowMs) ? undefined : staleRefusal();
  }

  #countRefusal(counts: ReturnType<typeof countsOf>, { reason }: Refusal): void {
    const tally = new PaymentTally();
    tally.refuse('voucher', reason, counts.vouchers);
    tally.refuse('tick', reason, counts.ticks);
    tally.refuse('bundle', reason, counts.bundleEntries);
    tally.report(this.#parts.meter);
  }
}

function countsOf({ vouchers, ticks, bundles }: Payments) {
  const bundleEntries = bundles.reduce((sum, { entries }) => sum + entries.length, 0);
  return { vouchers: vouchers.length, ticks: ticks.length, bundleEntries };
}

function bytesOf({ vouchers, ticks, bundles }: Payments): number {
  let bytes = 0;
  for (const { channelId, payee, signature } of vouchers) {
    bytes += channelId.length + payee.length + signature.length + NUMBERS_BYTES;
  }
  for (const { channelId, preimage } of ticks) bytes += channelId.length + preimage.length + 8;
  for (const { entries, signature } of bundles) {
    bytes += signature.length + NUMBERS_BYTES + entries.length * (CHANNEL_ID_BYTES + 8);
  }
  return bytes;
}

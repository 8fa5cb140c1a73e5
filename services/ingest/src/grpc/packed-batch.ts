import {
  bundlesOf,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_TICK,
  PACKED_VOUCHER,
  type PackedBatch,
  PackedFormatError,
  recordsOf,
} from '#libs/contracts';
import { accept, LIMITS, type Refusal, type Result, refuse, type Units } from '#libs/domain';
import type { Payment } from '../application/claims.js';
import { type PaymentIntake, refuseBundle } from '../application/payment-intake.js';
import type { ItemCounts, Submission } from '../application/submission.js';
import { checkBundleValues } from '../domain/bundle.ladder.js';
import { checkAmountForm, checkValidityForm } from '../domain/ladder.js';
import { checkIndexForm } from '../domain/tick.ladder.js';
import type { PackedHandles } from './packed-handles.js';

const NOTHING = new Uint8Array(0);
const TWO_TO_32 = 2 ** 32;

/** A packed batch cut into records. */
export type CutBatch = {
  readonly counts: ItemCounts;
  readonly bundles: readonly { readonly at: number; readonly count: number }[];
  readonly items: number;
  readonly bytes: number;
};

/** Cuts a batch into records. MALFORMED with a sentence when that is not possible, LIMIT_EXCEEDED when they are too many. */
export function cutBatch(batch: PackedBatch): Result<CutBatch> {
  try {
    const vouchers = recordsOf(batch.vouchers, PACKED_VOUCHER, 'vouchers');
    const ticks = recordsOf(batch.ticks, PACKED_TICK, 'ticks');
    const bundles = bundlesOf(batch.bundles);
    const bundleEntries = bundles.reduce((sum, { count }) => sum + count, 0);
    const items = vouchers + ticks + bundleEntries;
    if (items === 0) return refuse('MALFORMED', 'the batch holds no payment');
    if (items > LIMITS.batchItemsMax) {
      return refuse('LIMIT_EXCEEDED', `a batch holds at most ${LIMITS.batchItemsMax} payments`);
    }
    const bytes = batch.vouchers.length + batch.ticks.length + batch.bundles.length;
    return accept({ counts: { vouchers, ticks, bundleEntries }, bundles, items, bytes });
  } catch (error) {
    if (error instanceof PackedFormatError) return refuse('MALFORMED', error.message);
    throw error;
  }
}

/** Reads packed payments and hands them to the intake; one object serves all payments of a stream. */
export class PackedReader {
  readonly #payment: Payment = {
    item: 0,
    tag: 0,
    row: 0,
    cumulativeUnits: 0n,
    detail: 0,
    proof: NOTHING,
    proofAt: 0,
  };

  constructor(
    private readonly intake: PaymentIntake,
    private readonly handles: PackedHandles,
  ) {}

  read(batch: PackedBatch, cut: CutBatch, submission: Submission, nowMs: number): void {
    this.#vouchers(batch.vouchers, submission, nowMs);
    this.#ticks(batch.ticks, cut.counts.vouchers, submission, nowMs);
    let item = cut.counts.vouchers + cut.counts.ticks;
    for (const { at, count } of cut.bundles) {
      this.#bundle(batch.bundles, { at, count, item }, submission, nowMs);
      item += count;
    }
    this.#payment.proof = NOTHING;
  }

  #vouchers(bytes: Buffer, submission: Submission, nowMs: number): void {
    const payment = this.#payment;
    payment.proof = bytes;
    let item = 0;
    for (let at = 0; at < bytes.length; at += PACKED_VOUCHER.bytes) {
      const handle = bytes.readUInt32BE(at + PACKED_VOUCHER.handle);
      payment.item = item++;
      payment.tag = handle;
      payment.row = this.handles.row(handle);
      payment.cumulativeUnits = bytes.readBigInt64BE(at + PACKED_VOUCHER.cumulativeUnits);
      payment.detail = readInt64(bytes, at + PACKED_VOUCHER.validUntilMs);
      payment.proofAt = at + PACKED_VOUCHER.signature;
      const refusal =
        checkAmountForm(payment.cumulativeUnits) ??
        checkValidityForm(payment.detail, nowMs) ??
        (payment.row < 0 ? noHandle(handle) : undefined);
      if (refusal === undefined) this.intake.voucher(submission, payment, undefined, nowMs);
      else submission.settle(payment.item, handle, refusal);
    }
  }

  #ticks(bytes: Buffer, firstItem: number, submission: Submission, nowMs: number): void {
    const payment = this.#payment;
    payment.proof = bytes;
    let item = firstItem;
    for (let at = 0; at < bytes.length; at += PACKED_TICK.bytes) {
      const handle = bytes.readUInt32BE(at + PACKED_TICK.handle);
      payment.item = item++;
      payment.tag = handle;
      payment.row = this.handles.row(handle);
      payment.detail = bytes.readUInt32BE(at + PACKED_TICK.index);
      payment.proofAt = at + PACKED_TICK.preimage;
      const refusal =
        checkIndexForm(payment.detail) ?? (payment.row < 0 ? noHandle(handle) : undefined);
      if (refusal === undefined) this.intake.tick(submission, payment, nowMs);
      else submission.settle(payment.item, handle, refusal);
    }
  }

  #bundle(
    bytes: Buffer,
    place: { at: number; count: number; item: number },
    submission: Submission,
    nowMs: number,
  ): void {
    const { at, count, item } = place;
    const tags = new Uint32Array(count);
    const rows = new Int32Array(count);
    const units: Units[] = new Array<Units>(count);
    let base = at + PACKED_BUNDLE.bytes;
    for (let entry = 0; entry < count; entry++) {
      const handle = bytes.readUInt32BE(base + PACKED_BUNDLE_ENTRY.handle);
      tags[entry] = handle;
      rows[entry] = this.handles.row(handle);
      units[entry] = bytes.readBigInt64BE(base + PACKED_BUNDLE_ENTRY.cumulativeUnits);
      base += PACKED_BUNDLE_ENTRY.bytes;
    }
    const validUntilMs = bytes.readBigInt64BE(at + PACKED_BUNDLE.validUntilMs);
    const refusal =
      checkBundleValues(units, Number(validUntilMs), nowMs) ?? noHandleAmong(rows, tags);
    if (refusal !== undefined) {
      refuseBundle(submission, { firstItem: item, tags }, refusal);
      return;
    }
    const start = at + PACKED_BUNDLE.signature;
    const signature = Uint8Array.from(bytes.subarray(start, start + 64));
    const payment = { firstItem: item, rows, tags, units, validUntilMs, signature };
    this.intake.bundle(submission, payment, nowMs);
  }
}

// Exact up to 2⁵³; beyond that it only needs to be recognisably far.
function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}

function noHandle(handle: number): Refusal {
  return refuse('CHANNEL_UNKNOWN', `this stream has no channel with the handle ${handle}`);
}

function noHandleAmong(rows: Int32Array, tags: Uint32Array): Refusal | undefined {
  const missing = rows.indexOf(-1);
  return missing < 0 ? undefined : noHandle(tags[missing] ?? 0);
}

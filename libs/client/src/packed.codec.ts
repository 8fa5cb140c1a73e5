import {
  type Bundle,
  type HandlesOpened,
  type LogPosition,
  PACKED_ACCEPTED,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_RECEIPT,
  PACKED_TICK,
  PACKED_VOUCHER,
  type PackedBatch,
  recordsOf,
  type Tick,
  type Voucher,
} from '#libs/contracts';
import { isAmount, LIMITS, type Refusal, refuse, UNITS_MAX, type Units } from '#libs/domain';
import type { PaymentOutcome, PaymentResults, Payments } from './outcomes.js';

/** A channel's handle on one call, or why it has none. */
export type HandleOf = (channelId: Uint8Array) => number | Refusal;

/** One packed item: which payment it is, counted over vouchers, ticks and bundles' entries. */
export type PackedItem = {
  readonly position: number;
  readonly handle: number;
  /** What the payment claims; 0 for a tick, whose amount only its commitment tells. */
  readonly units: Units;
};

/** A batch to be sent, and what of the payments is not in it. */
export type PackedPayments = {
  readonly batch: PackedBatch;
  /** In the ledger's order. */
  readonly items: readonly PackedItem[];
  /** Payments that cannot be packed, by position. */
  readonly refused: ReadonlyMap<number, Refusal>;
};

const U32_MAX = 0xffff_ffffn;

/** Writes one voucher's record. */
export function writeVoucher(to: Buffer, at: number, handle: number, voucher: Voucher): void {
  to.writeUInt32BE(handle, at + PACKED_VOUCHER.handle);
  to.writeBigInt64BE(voucher.cumulativeUnits, at + PACKED_VOUCHER.cumulativeUnits);
  to.writeBigInt64BE(voucher.validUntilMs, at + PACKED_VOUCHER.validUntilMs);
  to.set(voucher.signature, at + PACKED_VOUCHER.signature);
}

/** Writes one tick's record. */
export function writeTick(to: Buffer, at: number, handle: number, tick: Tick): void {
  to.writeUInt32BE(handle, at + PACKED_TICK.handle);
  to.writeUInt32BE(Number(tick.index), at + PACKED_TICK.index);
  to.set(tick.preimage, at + PACKED_TICK.preimage);
}

/** Bytes of a bundle's record. */
export function bundleBytes(bundle: Bundle): number {
  return PACKED_BUNDLE.bytes + bundle.entries.length * PACKED_BUNDLE_ENTRY.bytes;
}

/** Writes one bundle's record; `handles` are its entries' in their order. */
export function writeBundle(
  to: Buffer,
  at: number,
  handles: readonly number[],
  bundle: Bundle,
): void {
  to.writeBigInt64BE(bundle.validUntilMs, at + PACKED_BUNDLE.validUntilMs);
  to.set(bundle.signature, at + PACKED_BUNDLE.signature);
  to.writeUInt32BE(bundle.entries.length, at + PACKED_BUNDLE.count);
  for (const [entry, { cumulativeUnits }] of bundle.entries.entries()) {
    const entryAt = at + PACKED_BUNDLE.bytes + entry * PACKED_BUNDLE_ENTRY.bytes;
    to.writeUInt32BE(handles[entry] ?? 0, entryAt + PACKED_BUNDLE_ENTRY.handle);
    to.writeBigInt64BE(cumulativeUnits, entryAt + PACKED_BUNDLE_ENTRY.cumulativeUnits);
  }
}

/** Bytes that some payments take when packed. */
export function packedBytes({ vouchers = [], ticks = [], bundles = [] }: Payments): number {
  const bundled = bundles.reduce((sum, bundle) => sum + bundleBytes(bundle), 0);
  return vouchers.length * PACKED_VOUCHER.bytes + ticks.length * PACKED_TICK.bytes + bundled;
}

/** Packs payments; those without a handle or of a wrong form are left out with their refusals. */
export function packPayments(payments: Payments, handleOf: HandleOf): PackedPayments {
  const { vouchers = [], ticks = [], bundles = [] } = payments;
  const items: PackedItem[] = [];
  const refused = new Map<number, Refusal>();
  let position = 0;
  const pack = (
    channelId: Uint8Array,
    units: Units,
    malformed: Refusal | undefined,
    write: (handle: number) => void,
  ) => {
    const handle = malformed ?? handleOf(channelId);
    if (typeof handle === 'number') {
      write(handle);
      items.push({ position, handle, units });
    } else {
      refused.set(position, handle);
    }
    position += 1;
  };
  const voucherBytes = Buffer.alloc(vouchers.length * PACKED_VOUCHER.bytes);
  let voucherAt = 0;
  for (const voucher of vouchers) {
    pack(voucher.channelId, voucher.cumulativeUnits, checkVoucher(voucher), (handle) => {
      writeVoucher(voucherBytes, voucherAt, handle, voucher);
      voucherAt += PACKED_VOUCHER.bytes;
    });
  }
  const tickBytes = Buffer.alloc(ticks.length * PACKED_TICK.bytes);
  let tickAt = 0;
  for (const tick of ticks) {
    pack(tick.channelId, 0n, checkTick(tick), (handle) => {
      writeTick(tickBytes, tickAt, handle, tick);
      tickAt += PACKED_TICK.bytes;
    });
  }
  const bundled = packBundles(bundles, handleOf, { position, items, refused });
  const batch = {
    vouchers: voucherBytes.subarray(0, voucherAt),
    ticks: tickBytes.subarray(0, tickAt),
    bundles: bundled,
  };
  return { batch, items, refused };
}

// A bundle is one signature: it goes whole, or not at all.
function packBundles(
  bundles: readonly Bundle[],
  handleOf: HandleOf,
  into: { position: number; items: PackedItem[]; refused: Map<number, Refusal> },
): Buffer {
  const bytes = Buffer.alloc(bundles.reduce((sum, bundle) => sum + bundleBytes(bundle), 0));
  let at = 0;
  for (const bundle of bundles) {
    const { entries } = bundle;
    const handles: number[] = [];
    let refusal = checkBundle(bundle);
    for (const { channelId } of refusal === undefined ? entries : []) {
      const handle = handleOf(channelId);
      if (typeof handle === 'number') handles.push(handle);
      else refusal ??= handle;
    }
    if (refusal === undefined) {
      writeBundle(bytes, at, handles, bundle);
      at += bundleBytes(bundle);
    }
    for (const [entry, { cumulativeUnits: units }] of entries.entries()) {
      const position = into.position + entry;
      if (refusal !== undefined) into.refused.set(position, refusal);
      else into.items.push({ position, handle: handles[entry] ?? 0, units });
    }
    into.position += entries.length;
  }
  return bytes.subarray(0, at);
}

function checkVoucher(voucher: Voucher): Refusal | undefined {
  if (voucher.signature.length !== 64) return refuse('MALFORMED', 'signature must have 64 bytes');
  if (!isAmount(voucher.cumulativeUnits)) {
    return refuse('MALFORMED', 'cumulative_units must be above 0');
  }
  return checkValidUntil(voucher.validUntilMs);
}

function checkTick(tick: Tick): Refusal | undefined {
  if (tick.preimage.length !== 32) return refuse('MALFORMED', 'preimage must have 32 bytes');
  if (tick.index <= 0n) return refuse('MALFORMED', 'index must be above 0');
  return tick.index > U32_MAX ? refuse('LIMIT_EXCEEDED', 'index does not fit 32 bits') : undefined;
}

function checkBundle(bundle: Bundle): Refusal | undefined {
  const { entries, signature } = bundle;
  if (signature.length !== 64) return refuse('MALFORMED', 'signature must have 64 bytes');
  if (entries.length === 0 || entries.length > LIMITS.bundleEntriesMax) {
    return refuse('MALFORMED', `a bundle has 1 to ${LIMITS.bundleEntriesMax} entries`);
  }
  if (!entries.every(({ cumulativeUnits }) => isAmount(cumulativeUnits))) {
    return refuse('MALFORMED', 'cumulative_units must be above 0');
  }
  return checkValidUntil(bundle.validUntilMs);
}

function checkValidUntil(validUntilMs: bigint): Refusal | undefined {
  if (validUntilMs > 0n && validUntilMs <= UNITS_MAX) return undefined;
  return refuse('MALFORMED', 'valid_until_ms must be above 0 and fit 64 bits');
}

/** Outcomes by position as the results of the payments. */
export function resultsOf(payments: Payments, outcomes: readonly PaymentOutcome[]): PaymentResults {
  let at = 0;
  const take = (list: readonly unknown[] = []) => {
    at += list.length;
    return outcomes.slice(at - list.length, at);
  };
  return {
    vouchers: take(payments.vouchers),
    ticks: take(payments.ticks),
    bundles: (payments.bundles ?? []).map(({ entries }) => take(entries)),
  };
}

/** What a channel has behind it when it gets its handle. */
export type AcceptedSoFar = { readonly acceptedUnits: Units; readonly tickIndex: bigint };

/** Reads HandlesOpened.accepted; throws a PackedFormatError when it is cut short. */
export function readAccepted({ accepted }: HandlesOpened): AcceptedSoFar[] {
  return Array.from({ length: recordsOf(accepted, PACKED_ACCEPTED, 'accepted') }, (_, record) => {
    const at = record * PACKED_ACCEPTED.bytes;
    return {
      acceptedUnits: accepted.readBigInt64BE(at + PACKED_ACCEPTED.acceptedUnits),
      tickIndex: accepted.readBigInt64BE(at + PACKED_ACCEPTED.tickIndex),
    };
  });
}

/** Reads FlushAck.receipts. Throws a PackedFormatError. */
export function readReceipts(receipts: Buffer): { handle: number; acceptedUnits: Units }[] {
  return Array.from({ length: recordsOf(receipts, PACKED_RECEIPT, 'receipts') }, (_, record) => {
    const at = record * PACKED_RECEIPT.bytes;
    return {
      handle: receipts.readUInt32BE(at + PACKED_RECEIPT.handle),
      acceptedUnits: receipts.readBigInt64BE(at + PACKED_RECEIPT.acceptedUnits),
    };
  });
}

/** FlushAck.positions by partition. */
export function offsetsOf(positions: readonly LogPosition[]): Map<number, bigint> {
  return new Map(positions.map(({ partition, offset }) => [partition, offset]));
}

import type { BundlePlan, Plan, TickPlan, VoucherPlan } from './plans.js';

// A protobuf writer of our own: what is tested should not also make the test's input.

export function varint(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

/** A field of bytes, text or an embedded message. */
export function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

export function intField(number: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** The three fields of a packed batch. */
export type PackedFields = {
  readonly vouchers: Buffer;
  readonly ticks: Buffer;
  readonly bundles: Buffer;
};

/** Payments as packed records. Signatures of another length are cut or filled: records have one size. */
export function packedFields({ vouchers, ticks, bundles }: Plan): PackedFields {
  const sized = (bytes: Buffer, length: number) =>
    Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length);
  const voucher = (plan: VoucherPlan) => [
    uint32(plan.handle),
    int64(plan.units),
    int64(plan.validUntilMs),
    sized(plan.signature, 64),
  ];
  const tick = (plan: TickPlan) => [
    uint32(plan.handle),
    uint32(Number(plan.index)),
    sized(plan.preimage, 32),
  ];
  const bundle = (plan: BundlePlan) => [
    int64(plan.validUntilMs),
    sized(plan.signature, 64),
    uint32(plan.entries.length),
    ...plan.entries.flatMap(({ handle, units }) => [uint32(handle), int64(units)]),
  ];
  return {
    vouchers: Buffer.concat(vouchers.flatMap(voucher)),
    ticks: Buffer.concat(ticks.flatMap(tick)),
    bundles: Buffer.concat(bundles.flatMap(bundle)),
  };
}

/** StreamPackedRequest with a batch. */
export function packedMessage(sequence: bigint, fields: PackedFields): Buffer {
  const batch = Buffer.concat([
    bytesField(1, fields.vouchers),
    bytesField(2, fields.ticks),
    bytesField(3, fields.bundles),
  ]);
  return Buffer.concat([intField(1, sequence), bytesField(3, batch)]);
}

/** StreamPackedRequest that opens channels. */
export function openMessageBytes(sequence: bigint, ids: Uint8Array): Buffer {
  return Buffer.concat([intField(1, sequence), bytesField(2, bytesField(1, ids))]);
}

/** PostVouchersRequest. */
export function postMessage({ vouchers, ticks, bundles }: Plan): Buffer {
  const voucher = (plan: VoucherPlan) => [
    bytesField(1, plan.id),
    bytesField(2, Buffer.from(plan.payee)),
    intField(3, plan.units),
    intField(4, plan.validUntilMs),
    bytesField(5, plan.signature),
  ];
  const tick = (plan: TickPlan) => [
    bytesField(1, plan.id),
    intField(2, plan.index),
    bytesField(3, plan.preimage),
  ];
  const bundle = (plan: BundlePlan) => [
    ...plan.entries.map(({ id, units }) =>
      bytesField(1, Buffer.concat([bytesField(1, id), intField(2, units)])),
    ),
    intField(2, plan.validUntilMs),
    bytesField(3, plan.signature),
  ];
  const batch = Buffer.concat([
    ...vouchers.map((plan) => bytesField(1, Buffer.concat(voucher(plan)))),
    ...ticks.map((plan) => bytesField(2, Buffer.concat(tick(plan)))),
    ...bundles.map((plan) => bytesField(3, Buffer.concat(bundle(plan)))),
  ]);
  return bytesField(1, batch);
}

import { EventEmitter } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import {
  type FlushAck,
  type HandlesOpened,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_RECEIPT,
  PACKED_TICK,
  PACKED_VOUCHER,
  type PackedBatch,
  reasonFromWire,
  type StreamPackedRequest,
  type StreamPackedResponse,
} from '#libs/contracts';
import type { BundleMessage } from '../src/domain/bundle.ladder.js';
import type { TickMessage } from '../src/domain/tick.ladder.js';
import type { VoucherMessage } from '../src/domain/voucher.ladder.js';
import type { PackedCall } from '../src/grpc/packed-stream.js';

/** A voucher as a record. */
export function packVoucher(handle: number, voucher: VoucherMessage): Buffer {
  const record = Buffer.alloc(PACKED_VOUCHER.bytes);
  record.writeUInt32BE(handle, PACKED_VOUCHER.handle);
  record.writeBigInt64BE(voucher.cumulativeUnits, PACKED_VOUCHER.cumulativeUnits);
  record.writeBigInt64BE(voucher.validUntilMs, PACKED_VOUCHER.validUntilMs);
  record.set(voucher.signature, PACKED_VOUCHER.signature);
  return record;
}

/** A tick as a record. */
export function packTick(handle: number, tick: TickMessage): Buffer {
  const record = Buffer.alloc(PACKED_TICK.bytes);
  record.writeUInt32BE(handle, PACKED_TICK.handle);
  record.writeUInt32BE(Number(tick.index), PACKED_TICK.index);
  record.set(tick.preimage, PACKED_TICK.preimage);
  return record;
}

/** A bundle as a head and its entries, whose handles are given. */
export function packBundle(handles: readonly number[], bundle: BundleMessage): Buffer {
  const head = Buffer.alloc(PACKED_BUNDLE.bytes);
  head.writeBigInt64BE(bundle.validUntilMs, PACKED_BUNDLE.validUntilMs);
  head.set(bundle.signature, PACKED_BUNDLE.signature);
  head.writeUInt32BE(bundle.entries.length, PACKED_BUNDLE.count);
  const entries = bundle.entries.map(({ cumulativeUnits }, at) => {
    const entry = Buffer.alloc(PACKED_BUNDLE_ENTRY.bytes);
    entry.writeUInt32BE(handles[at] ?? 0, PACKED_BUNDLE_ENTRY.handle);
    entry.writeBigInt64BE(cumulativeUnits, PACKED_BUNDLE_ENTRY.cumulativeUnits);
    return entry;
  });
  return Buffer.concat([head, ...entries]);
}

/** A batch message of these records. */
export function batchMessage(
  sequence: bigint,
  records: { vouchers?: Buffer[]; ticks?: Buffer[]; bundles?: Buffer[] },
): StreamPackedRequest {
  const value: PackedBatch = {
    vouchers: Buffer.concat(records.vouchers ?? []),
    ticks: Buffer.concat(records.ticks ?? []),
    bundles: Buffer.concat(records.bundles ?? []),
  };
  return { sequence, content: { $case: 'batch', value } };
}

/** A message that opens channels. */
export function openMessage(sequence: bigint, ids: readonly Uint8Array[]): StreamPackedRequest {
  return { sequence, content: { $case: 'open', value: { channelIds: Buffer.concat(ids) } } };
}

/** Receipts of an acknowledgement: handle and amount. */
export function receiptsOf({ receipts }: FlushAck): [number, bigint][] {
  return Array.from({ length: receipts.length / PACKED_RECEIPT.bytes }, (_, at) => {
    const base = at * PACKED_RECEIPT.bytes;
    return [receipts.readUInt32BE(base), receipts.readBigInt64BE(base + 4)];
  });
}

/** Batches of an acknowledgement: sequence, and the refused items with their reasons. */
export function batchesOf({ batches }: FlushAck) {
  return batches.map(({ sequence, refused }) => [
    sequence,
    refused.map(({ item, refusal }) => [item, refusal && reasonFromWire(refusal.reason)]),
  ]);
}

/** A packed call without a network: the test is the client. */
export class FakeCall extends EventEmitter {
  cancelled = false;
  paused = false;
  ended = false;
  /** What a write returns: false when the client does not read. */
  isRead = true;
  readonly answers: StreamPackedResponse[] = [];

  constructor(readonly metadata?: Metadata) {
    super();
  }

  asCall(): PackedCall {
    return this as unknown as PackedCall;
  }

  getPeer(): string {
    return 'peer:1';
  }

  /** Delivers a message as a client's; a paused call would have kept it in its socket. */
  send(message: StreamPackedRequest): void {
    if (this.paused) throw new Error('the stream is paused');
    this.emit('data', message);
  }

  write(answer: StreamPackedResponse): boolean {
    this.answers.push(answer);
    return this.isRead;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
    this.emit('close');
  }

  acks(): FlushAck[] {
    return this.answers.flatMap(({ content }) => (content?.$case === 'ack' ? [content.value] : []));
  }

  opened(): HandlesOpened[] {
    return this.answers.flatMap(({ content }) =>
      content?.$case === 'opened' ? [content.value] : [],
    );
  }
}

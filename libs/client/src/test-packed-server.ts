import type { ServerDuplexStream } from '@grpc/grpc-js';
import {
  bundlesOf,
  type FlushAck,
  type ItemRefusal,
  LEDGER_PARTITIONS,
  type OpenHandles,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_RECEIPT,
  PACKED_TICK,
  PACKED_VOUCHER,
  type PackedBatch,
  reasonToWire,
  recordsOf,
  type StreamPackedRequest,
  type StreamPackedResponse,
} from '#libs/contracts';
import { partitionOf, type Reason, toHex } from '#libs/domain';

/** The server's end of a packed stream. */
export type PackedServerCall = ServerDuplexStream<StreamPackedRequest, StreamPackedResponse>;

/** A payment off the wire: a voucher's, a tick's (`units` is its index) or an entry's of a bundle. */
export type ServedItem = { readonly handle: number; readonly units: bigint };

/**
 * What a ledger remembers of packed streams, for this library's own tests: it accepts whatever raises
 * a channel, without a look at signatures, and keeps its channels when the server is killed.
 */
export class TestPackedLedger {
  readonly accepted = new Map<string, bigint>();
  readonly unknown = new Set<string>();
  /** Why handles of {@link unknown} channels are refused. */
  unknownReason: Reason = 'CHANNEL_UNKNOWN';
  readonly requests: StreamPackedRequest[] = [];
  sessions: string[] = [];
  #offset = 0n;

  /** Serves one call; `onBatch` may answer a batch by itself, or not at all, by returning true. */
  serve(call: PackedServerCall, onBatch: (batch: ServedBatch) => boolean = () => false): void {
    this.sessions.push(String(call.metadata.get('swarmledger-session')[0]));
    const ids: string[] = [];
    call.on('data', (request: StreamPackedRequest) => {
      this.requests.push(request);
      const { sequence, content } = request;
      if (content?.$case === 'open') this.#open(call, ids, sequence, content.value);
      if (content?.$case !== 'batch') return;
      const served = { sequence, items: itemsOf(content.value), call, ids };
      if (!onBatch(served)) this.answer([served]);
    });
    call.on('end', () => call.end());
    call.on('error', () => {});
  }

  /** Acknowledges batches of one call as one flush. */
  answer(
    batches: readonly ServedBatch[],
    refuse: (item: ServedItem) => Reason | undefined = () => undefined,
  ): void {
    const raised = new Map<number, bigint>();
    const before = new Map<number, bigint>();
    const answers = batches.map(({ sequence, items, ids }) => {
      const refused: ItemRefusal[] = [];
      for (const [item, { handle, units }] of items.entries()) {
        const id = ids[handle] ?? '';
        const known = before.get(handle) ?? this.accepted.get(id) ?? 0n;
        before.set(handle, known);
        const reason = refuse({ handle, units }) ?? (units <= known ? 'SUPERSEDED' : undefined);
        if (reason !== undefined) {
          const refusal = { reason: reasonToWire(reason), detail: reason, acceptedUnits: known };
          refused.push({ item, refusal });
        } else if (units > (this.accepted.get(id) ?? 0n)) {
          this.accepted.set(id, units);
          raised.set(handle, units);
        }
      }
      return { sequence, refused };
    });
    this.#offset += 1n;
    const { call, ids } = batches[0] as ServedBatch;
    const ack: FlushAck = { batches: answers, ...receiptsOf(raised, ids, this.#offset) };
    call.write({ content: { $case: 'ack', value: ack } });
  }

  #open(call: PackedServerCall, ids: string[], sequence: bigint, { channelIds }: OpenHandles) {
    const firstHandle = BigInt(ids.length);
    const asked = Array.from({ length: channelIds.length / 32 }, (_, at) =>
      toHex(channelIds.subarray(at * 32, at * 32 + 32)),
    );
    ids.push(...asked);
    const accepted = Buffer.alloc(asked.length * 16);
    for (const [at, id] of asked.entries()) {
      accepted.writeBigInt64BE(this.accepted.get(id) ?? 0n, at * 16);
    }
    const reason = reasonToWire(this.unknownReason);
    const refused = asked.flatMap((id, item) =>
      this.unknown.has(id)
        ? [{ item, refusal: { reason, detail: 'no such', acceptedUnits: 0n } }]
        : [],
    );
    const value = { sequence, firstHandle, accepted, refused };
    call.write({ content: { $case: 'opened', value } });
  }
}

/** A batch as the server sees it. */
export type ServedBatch = {
  readonly sequence: bigint;
  readonly items: readonly ServedItem[];
  readonly call: PackedServerCall;
  /** Ids of this call's handles, in hex. */
  readonly ids: readonly string[];
};

function itemsOf({ vouchers, ticks, bundles }: PackedBatch): ServedItem[] {
  const items: ServedItem[] = [];
  for (let at = 0; at < recordsOf(vouchers, PACKED_VOUCHER, 'vouchers'); at++) {
    const base = at * PACKED_VOUCHER.bytes;
    const units = vouchers.readBigInt64BE(base + PACKED_VOUCHER.cumulativeUnits);
    items.push({ handle: vouchers.readUInt32BE(base), units });
  }
  for (let at = 0; at < recordsOf(ticks, PACKED_TICK, 'ticks'); at++) {
    const base = at * PACKED_TICK.bytes;
    items.push({
      handle: ticks.readUInt32BE(base),
      units: BigInt(ticks.readUInt32BE(base + PACKED_TICK.index)),
    });
  }
  for (const { at, count } of bundlesOf(bundles)) {
    for (let entry = 0; entry < count; entry++) {
      const base = at + PACKED_BUNDLE.bytes + entry * PACKED_BUNDLE_ENTRY.bytes;
      const units = bundles.readBigInt64BE(base + PACKED_BUNDLE_ENTRY.cumulativeUnits);
      items.push({ handle: bundles.readUInt32BE(base), units });
    }
  }
  return items;
}

function receiptsOf(raised: ReadonlyMap<number, bigint>, ids: readonly string[], offset: bigint) {
  const receipts = Buffer.alloc(raised.size * PACKED_RECEIPT.bytes);
  const partitions = new Set<number>();
  let at = 0;
  for (const [handle, units] of raised) {
    receipts.writeUInt32BE(handle, at + PACKED_RECEIPT.handle);
    receipts.writeBigInt64BE(units, at + PACKED_RECEIPT.acceptedUnits);
    at += PACKED_RECEIPT.bytes;
    partitions.add(partitionOf(Buffer.from(ids[handle] ?? '', 'hex'), LEDGER_PARTITIONS));
  }
  return { receipts, positions: [...partitions].map((partition) => ({ partition, offset })) };
}

import { type BatchAck, type FlushAck, PACKED_RECEIPT } from '#libs/contracts';
import type { Accepted } from '../domain/claim.js';

const FIRST_LENGTH = 64 * PACKED_RECEIPT.bytes;

// A refusal with its sentence has about 120 bytes, a client takes 4 MiB: answers are cut before that.
const REFUSALS_PER_ACK = 8_192;

/** What is to be told to a packed stream; all that one flush decides is told together. */
export class PackedAcks {
  #receipts = Buffer.allocUnsafe(FIRST_LENGTH);
  #end = 0;
  #batches: BatchAck[] = [];
  readonly #positions = new Map<number, bigint[]>();
  #lastHandle = -1;
  #lastOutcome: Accepted | undefined;

  get isEmpty(): boolean {
    return this.#end === 0 && this.#batches.length === 0;
  }

  /** Notes that a channel was raised. Claims that one raise answers come one after another. */
  receipt(handle: number, outcome: Accepted): void {
    if (handle === this.#lastHandle && outcome === this.#lastOutcome) return;
    this.#lastHandle = handle;
    this.#lastOutcome = outcome;
    const base = this.#end;
    this.#reserve(base + PACKED_RECEIPT.bytes);
    this.#receipts.writeUInt32BE(handle, base + PACKED_RECEIPT.handle);
    this.#receipts.writeBigInt64BE(outcome.acceptedUnits, base + PACKED_RECEIPT.acceptedUnits);
    this.#end = base + PACKED_RECEIPT.bytes;
    this.#position(outcome.partition, outcome.offset);
  }

  /** Notes that a batch is wholly answered. */
  batch(ack: BatchAck): void {
    this.#batches.push(ack);
  }

  /** All that is to be told, as one message, or a few when much was refused; nothing is left here. */
  take(): FlushAck[] {
    const acks: FlushAck[] = [
      { batches: [], receipts: this.#takeReceipts(), positions: this.#takePositions() },
    ];
    let refusals = 0;
    for (const batch of this.#batches) {
      refusals += batch.refused.length;
      if (refusals > REFUSALS_PER_ACK) {
        acks.push({ batches: [], receipts: Buffer.alloc(0), positions: [] });
        refusals = batch.refused.length;
      }
      acks.at(-1)?.batches.push(batch);
    }
    this.#batches = [];
    return acks;
  }

  #takeReceipts(): Buffer {
    const receipts = Buffer.from(this.#receipts.subarray(0, this.#end));
    this.#end = 0;
    this.#lastHandle = -1;
    this.#lastOutcome = undefined;
    return receipts;
  }

  #takePositions(): FlushAck['positions'] {
    const positions = [...this.#positions].flatMap(([partition, offsets]) =>
      offsets.map((offset) => ({ partition, offset })),
    );
    this.#positions.clear();
    return positions;
  }

  #position(partition: number, offset: bigint): void {
    const offsets = this.#positions.get(partition);
    if (offsets === undefined) this.#positions.set(partition, [offset]);
    else if (offsets.at(-1) !== offset) offsets.push(offset);
  }

  #reserve(length: number): void {
    if (length <= this.#receipts.length) return;
    const grown = Buffer.allocUnsafe(Math.max(length, this.#receipts.length * 2));
    grown.set(this.#receipts.subarray(0, this.#end));
    this.#receipts = grown;
  }
}

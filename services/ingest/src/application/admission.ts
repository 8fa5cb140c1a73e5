import { LIMITS, type Refusal, refuse } from '#libs/domain';
import { INGEST_LIMITS } from './limits.js';
import type { IngestMeter } from './ports.js';

/** Decides whether a whole request gets in, and counts what is inside. */
export class Admission {
  #items = 0;
  #bytes = 0;
  #draining = false;

  constructor(private readonly meter: IngestMeter) {}

  /** From now on nothing gets in. */
  close(): void {
    this.#draining = true;
  }

  /** Why a request of this size cannot get in; undefined when it can. */
  refusal(items: number, bytes: number): Refusal | undefined {
    if (this.#draining) return refuse('UNAVAILABLE', 'this process is stopping; send it again');
    if (items === 0) return refuse('MALFORMED', 'the batch holds no payment');
    if (items > LIMITS.batchItemsMax) {
      return refuse('LIMIT_EXCEEDED', `a batch holds at most ${LIMITS.batchItemsMax} payments`);
    }
    const full =
      this.#items + items > INGEST_LIMITS.itemsInFlightMax ||
      this.#bytes + bytes > INGEST_LIMITS.bytesInFlightMax;
    return full ? refuse('OVERLOADED', 'too many payments are in flight') : undefined;
  }

  enter(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
    this.meter.inFlight(this.#items, this.#bytes);
  }

  leave(items: number, bytes: number): void {
    this.enter(-items, -bytes);
  }
}

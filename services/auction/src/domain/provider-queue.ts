import type { Address } from '#libs/domain';
import type { Ask } from './order.js';

/**
 * The providers of a round, each standing in the queue with its cheapest ask that still has slots:
 * a binary heap of positions in the ranked asks. A provider stands in it at most once, so taking
 * k heads takes k distinct providers, however many asks each has.
 */
export class ProviderQueue {
  readonly #asks: readonly Ask[];
  readonly #left: number[];
  readonly #asksOf = new Map<Address, number[]>();
  readonly #nextOf = new Map<Address, number>();
  readonly #heap: number[] = [];

  /** @param asks ranked by reserve, so that the first ask of each provider comes in heap order */
  constructor(asks: readonly Ask[]) {
    this.#asks = asks;
    this.#left = asks.map((ask) => ask.slotsOpen);
    asks.forEach((ask, rank) => {
      const ranks = this.#asksOf.get(ask.owner);
      if (ranks !== undefined) ranks.push(rank);
      else {
        this.#asksOf.set(ask.owner, [rank]);
        this.#heap.push(rank);
      }
    });
  }

  /** The cheapest ask in the queue. */
  head(): Ask | undefined {
    const rank = this.#heap[0];
    return rank === undefined ? undefined : this.#asks[rank];
  }

  /** Takes the head out of the queue, and one slot of its ask if `sold`. */
  take(sold: boolean): Address | undefined {
    const rank = this.#heap[0];
    if (rank === undefined) return undefined;
    const last = this.#heap.pop();
    if (this.#heap.length > 0 && last !== undefined) this.#sink(last);
    if (sold) this.#left[rank] = (this.#left[rank] ?? 0) - 1;
    return this.#asks[rank]?.owner;
  }

  /** Puts a provider back, with its cheapest ask that still has slots, if any. */
  putBack(provider: Address): void {
    const ranks = this.#asksOf.get(provider) ?? [];
    let at = this.#nextOf.get(provider) ?? 0;
    let rank = ranks[at];
    while (rank !== undefined && this.#left[rank] === 0) rank = ranks[++at];
    this.#nextOf.set(provider, at);
    if (rank !== undefined) this.#rise(rank);
  }

  #rise(rank: number): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? -1;
      if (above <= rank) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = rank;
  }

  #sink(rank: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && right < left) child++;
      const least = heap[child] ?? rank;
      if (rank <= least) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = rank;
  }
}

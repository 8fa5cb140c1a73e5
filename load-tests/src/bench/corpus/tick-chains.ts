import { BlockHasher } from '../../../../services/ingest/src/crypto/block-hasher.js';
import { derive } from './accounts.js';
import { Draws } from './draws.js';
import { type CorpusPlan, channelAt, groupsOfStream } from './plan.js';

/** Elements between two that are kept: a chain is walked twice, and a 256th of it is held. */
const BLOCK = 256;
const BYTES = 32;

/** How many ticks each channel of a stream pays over the whole corpus. */
export function ticksPerChannel(plan: CorpusPlan, stream: number): Uint32Array {
  const counts = new Uint32Array(groupsOfStream(plan));
  const draws = new Draws(plan, stream);
  for (let frame = 0; frame < plan.framesMax; frame++) {
    for (const group of draws.next()) counts[group] = (counts[group] ?? 0) + plan.run;
  }
  return counts;
}

/**
 * The hash chains of a stream's channels. Element 0 is the end that is committed to, element i the
 * preimage of tick i. Chains run from their seed backwards but are paid forwards, so every 256th
 * element is kept and the block between two is walked again when it is paid.
 */
export class TickChains {
  readonly #lengths: Uint32Array;
  readonly #kept: Uint8Array;
  /** Where the kept elements of a channel begin. */
  readonly #at: Uint32Array;
  readonly #seeds: Uint8Array[];
  // Walks without an object for each hash, which is what makes millions of ticks in seconds.
  readonly #hasher = new BlockHasher();
  readonly #blocks: { first: number; elements: Uint8Array }[] = [];

  private constructor(plan: CorpusPlan, stream: number, lengths: Uint32Array, kept?: Uint8Array) {
    this.#lengths = lengths;
    this.#at = new Uint32Array(lengths.length);
    this.#seeds = Array.from(lengths, (_, handle) =>
      derive(plan, 'chain', channelAt(plan, stream, handle)),
    );
    let total = 0;
    for (const [handle, length] of lengths.entries()) {
      this.#at[handle] = total;
      total += Math.floor(length / BLOCK) + 1;
    }
    this.#kept = kept ?? new Uint8Array(total * BYTES);
  }

  /** Walks all chains of a stream; four million hashes take about a second. */
  static make(
    plan: CorpusPlan,
    stream: number,
    onProgress: (ticks: number) => void = () => undefined,
  ): TickChains {
    const chains = new TickChains(plan, stream, ticksPerChannel(plan, stream));
    for (const [handle, length] of chains.#lengths.entries()) {
      chains.#walk(handle, length);
      onProgress(length);
    }
    return chains;
  }

  /** The chains again, from what {@link kept} gave. */
  static load(plan: CorpusPlan, stream: number, kept: Uint8Array): TickChains {
    return new TickChains(plan, stream, ticksPerChannel(plan, stream), kept);
  }

  /** The kept elements, to store them. */
  get kept(): Uint8Array {
    return this.#kept;
  }

  /** Ticks that a channel can pay. */
  ticksMax(handle: number): number {
    return this.#lengths[handle] ?? 0;
  }

  /** What a channel commits to. */
  end(handle: number): Uint8Array {
    return this.#keptAt(handle, 0);
  }

  /** The preimage of a tick; a view that is valid until a later block of the channel is asked for. */
  preimage(handle: number, index: number): Uint8Array {
    const block = this.#blocks[handle];
    const first = Math.floor((index - 1) / BLOCK) * BLOCK + 1;
    const elements = block?.first === first ? block.elements : this.#walkBlock(handle, first);
    return elements.subarray((index - first) * BYTES, (index - first + 1) * BYTES);
  }

  #keptAt(handle: number, place: number): Uint8Array {
    const at = ((this.#at[handle] ?? 0) + place) * BYTES;
    return this.#kept.subarray(at, at + BYTES);
  }

  #walk(handle: number, length: number): void {
    let value = this.#seeds[handle] as Uint8Array;
    for (let index = length; index >= 0; ) {
      if (index % BLOCK === 0) this.#keptAt(handle, index / BLOCK).set(value);
      const steps = index % BLOCK || BLOCK;
      value = this.#hasher.forward(value, steps);
      index -= steps;
    }
  }

  #walkBlock(handle: number, first: number): Uint8Array {
    const last = Math.min(first + BLOCK - 1, this.ticksMax(handle));
    const elements = new Uint8Array((last - first + 1) * BYTES);
    let value =
      last % BLOCK === 0 ? this.#keptAt(handle, last / BLOCK) : (this.#seeds[handle] as Uint8Array);
    for (let index = last; index >= first; index--) {
      elements.set(value, (index - first) * BYTES);
      value = this.#hasher.forward(value, 1);
    }
    this.#blocks[handle] = { first, elements };
    return elements;
  }
}

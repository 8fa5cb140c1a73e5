import { type Channel, type ChannelFacts, channelFrom, learn } from '../domain/channel.js';
import { INGEST_LIMITS } from './limits.js';

/** Key of a channel in memory: its id, a character per byte, which is half of a hex text. */
export function channelKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}

/**
 * All channels that take payments, and how recent our knowledge of each partition is. Closed
 * channels are remembered in a bounded set only: a late voucher costs a question to the books.
 */
export class ChannelDirectory {
  readonly #channels = new Map<string, Channel>();
  readonly #closed = new Set<string>();
  readonly #marks: bigint[];

  constructor(readonly partitions: number) {
    this.#marks = new Array<bigint>(partitions).fill(0n);
  }

  get size(): number {
    return this.#channels.size;
  }

  get(key: string): Channel | undefined {
    return this.#channels.get(key);
  }

  isClosed(key: string): boolean {
    return this.#closed.has(key);
  }

  /** Takes news of a channel, from the topic or from the books; returns it unless it is closed. */
  learn(facts: ChannelFacts): Channel | undefined {
    const key = channelKey(facts.id);
    // An answer of the books may be older than the event that closed the channel.
    if (this.#closed.has(key)) return undefined;
    const known = this.#channels.get(key);
    // Claims in flight hold the channel itself, so it is told even when it is then let go.
    if (known !== undefined) learn(known, facts);
    if (facts.state === 'closed') {
      this.#channels.delete(key);
      this.#rememberClosed(key);
      return undefined;
    }
    if (known !== undefined) return known;
    const channel = channelFrom(facts);
    this.#channels.set(key, channel);
    return channel;
  }

  /** Lets go of a channel whose news cannot be read: the books are asked when it is next paid. */
  forget(key: string): void {
    const channel = this.#channels.get(key);
    if (channel === undefined) return;
    channel.state = 'closed';
    this.#channels.delete(key);
  }

  /** All changes of this partition committed before `markMs` are known here. */
  mark(partition: number, markMs: bigint): void {
    const last = this.#marks[partition];
    if (last !== undefined && markMs > last) this.#marks[partition] = markMs;
  }

  /**
   * True when no closing of this partition's channels can have passed us by: what is acknowledged
   * now stands before any `finalize`, which is logged 5 s after the closing was published.
   */
  isFresh(partition: number, nowMs: bigint): boolean {
    const mark = this.#marks[partition];
    if (mark === undefined) return false;
    return (
      nowMs - mark <= INGEST_LIMITS.markAgeMaxMs && mark - nowMs <= INGEST_LIMITS.clockSkewMaxMs
    );
  }

  /** Age of the oldest partition's newest mark; undefined while one has none. */
  ageMs(nowMs: bigint): bigint | undefined {
    let oldest = this.#marks[0] ?? 0n;
    for (const mark of this.#marks) if (mark < oldest) oldest = mark;
    return oldest === 0n ? undefined : nowMs - oldest;
  }

  /** Throws, for a readiness check, when a partition's knowledge is too old. */
  assertFresh(nowMs: bigint): void {
    const stale = this.#marks.findIndex((_, partition) => !this.isFresh(partition, nowMs));
    if (stale < 0) return;
    const mark = this.#marks[stale];
    const age = mark === 0n || mark === undefined ? 'has none yet' : `is ${nowMs - mark} ms old`;
    throw new Error(`the newest mark of partition ${stale} of the channels topic ${age}`);
  }

  #rememberClosed(key: string): void {
    this.#closed.add(key);
    if (this.#closed.size <= INGEST_LIMITS.negativeAnswersMax) return;
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      return;
    }
  }
}

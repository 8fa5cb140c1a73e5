import { accept, type Result, refuse } from '#libs/domain';
import type { Channel } from '../domain/channel.js';
import { type ChannelDirectory, channelKey } from './channel-directory.js';
import { INGEST_LIMITS } from './limits.js';
import type { Books, Clock, IngestMeter } from './ports.js';

/**
 * Asks the books about a channel that the topic has not told of yet: it may have been opened a moment
 * ago. One question per channel at a time, a bounded number of questions in all, and a negative
 * answer is remembered for a second.
 */
export class ChannelLookup {
  readonly #asking = new Map<string, Promise<Result<Channel>>>();
  readonly #unknownUntilMs = new Map<string, bigint>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(
    private readonly books: Books,
    private readonly directory: ChannelDirectory,
    private readonly clock: Clock,
    private readonly meter: IngestMeter,
  ) {}

  /**
   * The channel of an id that the directory does not hold. Refuses with CHANNEL_UNKNOWN or
   * CHANNEL_CLOSED when the books say so, UNAVAILABLE when they don't answer, OVERLOADED when too
   * many questions wait.
   */
  find(channelId: Uint8Array): Promise<Result<Channel>> {
    const key = channelKey(channelId);
    if (this.directory.isClosed(key)) return Promise.resolve(closed());
    const unknownUntilMs = this.#unknownUntilMs.get(key) ?? 0n;
    if (unknownUntilMs > this.clock.nowMs()) return Promise.resolve(unknown());
    return this.refresh(channelId);
  }

  /** The same for a channel whose state here may be behind the books, as after a restart. */
  refresh(channelId: Uint8Array): Promise<Result<Channel>> {
    const key = channelKey(channelId);
    const running = this.#asking.get(key);
    if (running !== undefined) return running;
    if (this.#waiting.length >= INGEST_LIMITS.lookupsWaitingMax) {
      return Promise.resolve(refuse('OVERLOADED', 'too many payments of unknown channels'));
    }
    const asked = this.#ask(Uint8Array.from(channelId), key).finally(() =>
      this.#asking.delete(key),
    );
    this.#asking.set(key, asked);
    return asked;
  }

  async #ask(channelId: Uint8Array, key: string): Promise<Result<Channel>> {
    await this.#slot();
    try {
      const facts = await this.books.channel(channelId);
      this.meter.lookedUp(facts === undefined ? 'unknown' : 'found');
      if (facts === undefined) {
        // The topic may have told of it while the books were asked.
        const known = this.directory.get(key);
        if (known !== undefined) return accept(known);
        this.#rememberUnknown(key);
        return unknown();
      }
      const channel = this.directory.learn(facts);
      return channel === undefined ? closed() : accept(channel);
    } catch {
      this.meter.lookedUp('failed');
      const known = this.directory.get(key);
      return known === undefined ? unavailable() : accept(known);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #slot(): Promise<void> {
    if (this.#running >= INGEST_LIMITS.lookupsMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }

  #rememberUnknown(key: string): void {
    this.#unknownUntilMs.delete(key);
    this.#unknownUntilMs.set(key, this.clock.nowMs() + INGEST_LIMITS.unknownForMs);
    if (this.#unknownUntilMs.size <= INGEST_LIMITS.negativeAnswersMax) return;
    for (const oldest of this.#unknownUntilMs.keys()) {
      this.#unknownUntilMs.delete(oldest);
      return;
    }
  }
}

function unknown() {
  return refuse('CHANNEL_UNKNOWN', 'no channel has this id');
}

function closed() {
  return refuse('CHANNEL_CLOSED', 'the channel no longer takes payments');
}

function unavailable() {
  return refuse('UNAVAILABLE', 'the channel is not known here and the books do not answer');
}

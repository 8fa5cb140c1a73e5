import type { ServerResponse } from 'node:http';
import { accept, type Result, refuse } from '#libs/domain';
import { type Snapshot, toJson } from '../domain/snapshot.js';

/** Streams at once; each costs a snapshot's bytes a second. */
const STREAMS_MAX = 64;

/** A reader that takes nothing for so long is cut off. */
const STUCK_MS = 30_000;

/** How often a stream's session is looked at again. */
const RECHECK_MS = 10_000;

/** One open page. */
type Stream = {
  readonly response: ServerResponse;
  readonly sessionKey: string;
  /** Resolves to false when the session has ended. */
  readonly stillAllowed: () => Promise<boolean>;
  drainedAtMs: number;
  checkedAtMs: number;
};

/** The open pages, each fed with every snapshot as a server-sent event. */
export class StreamHub {
  readonly #streams = new Set<Stream>();
  readonly #now: () => number;
  #closed = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Refuses with OVERLOADED when there are too many streams, UNAVAILABLE while stopping. */
  room(): Result<true> {
    if (this.#closed) return refuse('UNAVAILABLE', 'the dashboard is stopping');
    return this.#streams.size < STREAMS_MAX
      ? accept(true)
      : refuse('OVERLOADED', `more than ${STREAMS_MAX} pages are open`);
  }

  /** Takes over a response whose head is written. */
  add(
    response: ServerResponse,
    session: Pick<Stream, 'sessionKey' | 'stillAllowed'>,
    first: Snapshot,
  ): void {
    const nowMs = this.#now();
    const stream = { response, ...session, drainedAtMs: nowMs, checkedAtMs: nowMs };
    this.#streams.add(stream);
    response.on('close', () => this.#streams.delete(stream));
    response.write('retry: 1000\n\n');
    response.write(eventOf(first));
  }

  /** Sends a snapshot to every page that can take it; a slow one misses some and gets the next whole. */
  push(snapshot: Snapshot): void {
    if (this.#streams.size === 0) return;
    const event = eventOf(snapshot);
    const nowMs = this.#now();
    for (const stream of this.#streams) {
      if (stream.response.writableNeedDrain) {
        if (nowMs - stream.drainedAtMs > STUCK_MS) stream.response.destroy();
        continue;
      }
      stream.drainedAtMs = nowMs;
      stream.response.write(event);
      if (nowMs - stream.checkedAtMs >= RECHECK_MS) void this.#recheck(stream, nowMs);
    }
  }

  /** Ends the pages of one session. */
  endSession(sessionKey: string): void {
    for (const stream of this.#streams) if (stream.sessionKey === sessionKey) end(stream);
  }

  /** Ends all pages and takes no new ones. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) end(stream);
  }

  async #recheck(stream: Stream, nowMs: number): Promise<void> {
    stream.checkedAtMs = nowMs;
    if (!(await stream.stillAllowed())) end(stream);
  }
}

function end(stream: Stream): void {
  stream.response.end('event: bye\ndata: {}\n\n');
}

function eventOf(snapshot: Snapshot): string {
  // JSON has no raw line breaks, so one data line holds it.
  return `event: snapshot\ndata: ${toJson(snapshot)}\n\n`;
}

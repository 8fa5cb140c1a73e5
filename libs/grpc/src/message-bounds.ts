import { constants, type ServerHttp2Stream } from 'node:http2';
import { MessageProgress } from './message-progress.js';
import type { OnTaken } from './request-decoding.js';
import { onStreams } from './streams-of-port.js';

/** What messages that no call has taken yet may cost a port. */
export type MessageLimits = {
  /** For a message to arrive whole while it is being read: at this and 1 MiB, 35 kB a second are enough. */
  readonly withinMs: number;
  /** Bytes of all messages together that are unfinished or wait. */
  readonly bytesMax: number;
};

export const MESSAGE_LIMITS: MessageLimits = {
  withinMs: 30_000,
  bytesMax: 32 * 1024 * 1024,
};

/** What each message, and each piece in which an unfinished one has come, costs beside its bytes. */
const PIECE_BYTES = 256;

/** grpc-js joins the pieces of a message when it is whole, and keeps them until the next one begins. */
const COPIES_OF_WHOLE = 2;

/** Parts of the time between two looks for messages that take too long. */
const LOOKS = 4;

/** Leads from a call of grpc-js to its stream. What a client says here is replaced. */
const CALL_HEADER = 'swarmledger-call';

/** The bounds of one port. */
export type MessageWatch = {
  /** To be told whenever a call takes a message, in the order in which they came. */
  readonly onTaken: OnTaken;
  readonly end: () => void;
};

/**
 * Cuts calls on this port whose message does not end in time, and, when all that is unfinished or waits to be taken
 * becomes too much, the calls of the hosts that hold most of it. Whoever is cut is told RESOURCE_EXHAUSTED. A call that
 * its client resets is over, whatever waits of it. `hostOf` names the host of a peer; a peer without one counts as its own.
 */
export function boundMessages(
  port: number,
  hostOf: (peer: string) => string | undefined,
  limits: MessageLimits = MESSAGE_LIMITS,
): MessageWatch {
  const bounds = new MessageBounds(limits);
  let calls = 0;
  const end = onStreams(port, ({ stream, headers }) => {
    const { remoteAddress, remotePort } = stream.session?.socket ?? {};
    const peer = `${remoteAddress}:${remotePort}`;
    const call = String(++calls);
    headers[CALL_HEADER] = call;
    bounds.watch(call, stream, hostOf(peer) ?? peer);
  });
  const looks = setInterval(() => bounds.cutSlow(performance.now()), limits.withinMs / LOOKS);
  looks.unref();
  return {
    onTaken: (metadata) => bounds.taken(String(metadata.get(CALL_HEADER)[0])),
    end: () => {
      end();
      clearInterval(looks);
    },
  };
}

/** A call, and what it has sent that nobody has taken. */
class Watched {
  /** When the unfinished message began, or was last held up by us. */
  sinceMs = 0;
  readonly #progress = new MessageProgress();
  /** In which the unfinished message has come. */
  #pieces = 0;
  /** What each whole message costs. */
  readonly #waiting: number[] = [];
  #waitingBytes = 0;

  constructor(
    readonly stream: ServerHttp2Stream,
    readonly host: string,
  ) {}

  get isUnfinished(): boolean {
    return this.#progress.unfinishedBytes > 0;
  }

  /** What all of it costs. */
  get bytes(): number {
    return this.#waitingBytes + this.#progress.unfinishedBytes + this.#pieces * PIECE_BYTES;
  }

  come(chunk: Uint8Array): void {
    const wasUnfinished = this.isUnfinished;
    const ended = this.#progress.take(chunk);
    for (const bytes of ended) {
      const cost = bytes * COPIES_OF_WHOLE + PIECE_BYTES;
      this.#waiting.push(cost);
      this.#waitingBytes += cost;
    }
    if (ended.length > 0) this.#pieces = 0;
    if (!this.isUnfinished) return;
    this.#pieces += 1;
    if (ended.length > 0 || !wasUnfinished) this.sinceMs = performance.now();
  }

  taken(): void {
    this.#waitingBytes -= this.#waiting.shift() ?? 0;
  }
}

class MessageBounds {
  #bytes = 0;
  readonly #calls = new Map<string, Watched>();
  /** Those that hold something. */
  readonly #holding = new Set<Watched>();

  constructor(private readonly limits: MessageLimits) {}

  watch(call: string, stream: ServerHttp2Stream, host: string): void {
    const watched = new Watched(stream, host);
    this.#calls.set(call, watched);
    // Listening to the data would make it flow before grpc-js is there to take it.
    const push = stream.push.bind(stream);
    stream.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      const wantsMore = push(chunk, encoding);
      if (chunk !== null) this.#come(watched, chunk);
      // The end of a call that was reset without an error waits until somebody has read all of it: nobody will.
      else if (stream.closed && !stream.destroyed) setImmediate(() => stream.destroy());
      return wantsMore;
    };
    stream.once('close', () => {
      this.#calls.delete(call);
      this.#forget(watched);
    });
  }

  taken(call: string): void {
    const watched = this.#calls.get(call);
    if (watched !== undefined) this.#change(watched, () => watched.taken());
  }

  /** Cuts whoever had the time for a message and did not use it. */
  cutSlow(nowMs: number): void {
    for (const watched of this.#holding) {
      if (!watched.isUnfinished) continue;
      // What waits because we do not read is not the sender's fault.
      if (watched.stream.isPaused()) watched.sinceMs = nowMs;
      else if (nowMs - watched.sinceMs >= this.limits.withinMs) this.#cut(watched);
    }
  }

  #come(watched: Watched, chunk: Buffer): void {
    // What comes after the answer is thrown away.
    if (watched.stream.closed || watched.stream.writableFinished) return;
    this.#change(watched, () => watched.come(chunk));
    if (this.#bytes > this.limits.bytesMax) this.#makeRoom();
  }

  #change(watched: Watched, change: () => void): void {
    if (watched.stream.closed) return;
    const before = watched.bytes;
    change();
    this.#bytes += watched.bytes - before;
    if (watched.bytes === 0) this.#holding.delete(watched);
    else this.#holding.add(watched);
  }

  // Down to the half at once, so that what it costs to find the largest is spread over many bytes.
  #makeRoom(): void {
    const hosts = Map.groupBy(this.#holding, ({ host }) => host);
    const bytesOf = (calls: readonly Watched[]) => calls.reduce((sum, { bytes }) => sum + bytes, 0);
    const byBytes = [...hosts.values()]
      .map((calls) => ({ calls, bytes: bytesOf(calls) }))
      .sort((a, b) => b.bytes - a.bytes);
    for (const { calls } of byBytes) {
      for (const watched of calls) {
        if (this.#bytes <= this.limits.bytesMax / 2) return;
        this.#cut(watched);
      }
    }
  }

  #cut(watched: Watched): void {
    this.#forget(watched);
    watched.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #forget(watched: Watched): void {
    if (this.#holding.delete(watched)) this.#bytes -= watched.bytes;
  }
}

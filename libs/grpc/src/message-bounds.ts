import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { MessageProgress } from './message-progress.js';

/** What messages that have begun and not ended may cost a process. */
export type MessageLimits = {
  /** For a message to arrive whole while it is being read: at this and 1 MiB, 35 kB a second are enough. */
  readonly withinMs: number;
  /** Bytes of all unfinished messages together. */
  readonly bytesMax: number;
};

export const MESSAGE_LIMITS: MessageLimits = {
  withinMs: 30_000,
  bytesMax: 32 * 1024 * 1024,
};

/** Parts of the time between two looks for messages that take too long. */
const LOOKS = 4;

// grpc-js keeps its streams to itself; Node tells of every stream that any server of the process takes.
const STARTED = 'http2.server.stream.start';

/**
 * Cuts calls on these ports whose message does not end in time, and, when all that is unfinished becomes too much,
 * the calls of the hosts that hold most of it. Whoever is cut is told RESOURCE_EXHAUSTED. `hostOf` names the host
 * of a peer; a peer without one counts as its own. Answers what ends it.
 */
export function boundMessages(
  ports: readonly number[],
  hostOf: (peer: string) => string | undefined,
  limits: MessageLimits = MESSAGE_LIMITS,
): () => void {
  const bounded = new Set<number | undefined>(ports);
  const bounds = new MessageBounds(limits);
  const start = (message: unknown) => {
    const { stream } = message as { stream: ServerHttp2Stream };
    const socket = stream.session?.socket;
    if (socket === undefined || !bounded.has(socket.localPort)) return;
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    bounds.watch(stream, hostOf(peer) ?? peer);
  };
  subscribe(STARTED, start);
  const looks = setInterval(() => bounds.cutSlow(performance.now()), limits.withinMs / LOOKS);
  looks.unref();
  return () => {
    unsubscribe(STARTED, start);
    clearInterval(looks);
  };
}

type Watched = {
  readonly stream: ServerHttp2Stream;
  readonly host: string;
  readonly progress: MessageProgress;
  /** When the message began, or was last held up by us. */
  sinceMs: number;
};

class MessageBounds {
  #bytes = 0;
  /** Those with an unfinished message. */
  readonly #unfinished = new Set<Watched>();

  constructor(private readonly limits: MessageLimits) {}

  watch(stream: ServerHttp2Stream, host: string): void {
    const watched: Watched = { stream, host, progress: new MessageProgress(), sinceMs: 0 };
    // Listening to the data would make it flow before grpc-js is there to take it.
    const push = stream.push.bind(stream);
    stream.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      const wantsMore = push(chunk, encoding);
      if (chunk !== null) this.#take(watched, chunk);
      return wantsMore;
    };
    stream.once('close', () => this.#forget(watched));
  }

  /** Cuts whoever had the time for a message and did not use it. */
  cutSlow(nowMs: number): void {
    for (const watched of this.#unfinished) {
      // What waits because we do not read is not the sender's fault.
      if (watched.stream.isPaused()) watched.sinceMs = nowMs;
      else if (nowMs - watched.sinceMs >= this.limits.withinMs) this.#cut(watched);
    }
  }

  #take(watched: Watched, chunk: Buffer): void {
    const { progress, stream } = watched;
    if (stream.closed) return;
    const before = progress.unfinishedBytes;
    const hasEnded = progress.take(chunk);
    this.#bytes += progress.unfinishedBytes - before;
    if (progress.unfinishedBytes === 0) this.#unfinished.delete(watched);
    else if (hasEnded || before === 0) {
      watched.sinceMs = performance.now();
      this.#unfinished.add(watched);
    }
    if (this.#bytes > this.limits.bytesMax) this.#makeRoom();
  }

  // Down to the half at once, so that what it costs to find the largest is spread over many bytes.
  #makeRoom(): void {
    const hosts = Map.groupBy(this.#unfinished, ({ host }) => host);
    const bytesOf = (streams: readonly Watched[]) =>
      streams.reduce((bytes, { progress }) => bytes + progress.unfinishedBytes, 0);
    const byBytes = [...hosts.values()]
      .map((streams) => ({ streams, bytes: bytesOf(streams) }))
      .sort((a, b) => b.bytes - a.bytes);
    for (const { streams } of byBytes) {
      for (const watched of streams) {
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
    if (this.#unfinished.delete(watched)) this.#bytes -= watched.progress.unfinishedBytes;
  }
}

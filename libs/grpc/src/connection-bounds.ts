import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** How many connections the gRPC ports of a process take, and how fast they must say hello. */
export type ConnectionLimits = {
  /** From all hosts together. */
  readonly max: number;
  /** From one host; many may share its address. */
  readonly hostMax: number;
  /** For the client's first words. */
  readonly greetWithinMs: number;
};

export const CONNECTION_LIMITS: ConnectionLimits = {
  max: 8_192,
  hostMax: 1_024,
  greetWithinMs: 5_000,
};

/** The shortest first words of a client in HTTP/2: the preface and an empty SETTINGS frame. */
const GREETING_BYTES = 24 + 9;

// grpc-js keeps its listening sockets to itself; Node tells of every connection that any of them takes.
const TAKEN = 'net.server.socket';

/**
 * Cuts connections to these ports that are too many or say nothing. `hostOf` names the host of a peer, or
 * nobody's when its address stands for many: those are bounded by the total alone. Answers what ends it.
 */
export function boundConnections(
  ports: readonly number[],
  hostOf: (peer: string) => string | undefined,
  limits: ConnectionLimits = CONNECTION_LIMITS,
): () => void {
  const bounded = new Set<number | undefined>(ports);
  const bounds = new ConnectionBounds(limits);
  const take = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (!bounded.has(socket.localPort)) return;
    bounds.take(socket, hostOf(`${socket.remoteAddress}:${socket.remotePort}`));
  };
  subscribe(TAKEN, take);
  return () => {
    unsubscribe(TAKEN, take);
  };
}

class ConnectionBounds {
  #count = 0;
  readonly #ofHosts = new Map<string, number>();

  constructor(private readonly limits: ConnectionLimits) {}

  take(socket: Socket, host: string | undefined): void {
    const { max, hostMax, greetWithinMs } = this.limits;
    if (this.#count >= max || this.#ofHost(host) >= hostMax) {
      socket.destroy();
      return;
    }
    this.#add(host, 1);
    const cutSilent = () => {
      if (socket.bytesRead < GREETING_BYTES) socket.destroy();
    };
    // Once what has come is read: a process that was busy for so long must not take it out on its clients.
    const greeting = setTimeout(() => setImmediate(cutSilent), greetWithinMs);
    greeting.unref();
    socket.once('close', () => {
      clearTimeout(greeting);
      this.#add(host, -1);
    });
  }

  #ofHost(host: string | undefined): number {
    return host === undefined ? 0 : (this.#ofHosts.get(host) ?? 0);
  }

  #add(host: string | undefined, change: 1 | -1): void {
    this.#count += change;
    if (host === undefined) return;
    const count = this.#ofHost(host) + change;
    if (count === 0) this.#ofHosts.delete(host);
    else this.#ofHosts.set(host, count);
  }
}

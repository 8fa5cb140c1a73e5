import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** How many connections a gRPC port takes, and how fast they must say hello. */
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
 * Cuts connections to this port that are too many or say nothing. When the port is full, the host that holds most gives
 * one up for a host that holds fewer. `hostOf` names the host of a peer, or nobody's when its address stands for many:
 * those have no bound for a host, and count as one where room is made. Answers what ends it.
 */
export function boundConnections(
  port: number,
  hostOf: (peer: string) => string | undefined,
  limits: ConnectionLimits = CONNECTION_LIMITS,
): () => void {
  const bounds = new ConnectionBounds(limits);
  const take = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== port) return;
    bounds.take(socket, hostOf(`${socket.remoteAddress}:${socket.remotePort}`));
  };
  subscribe(TAKEN, take);
  return () => {
    unsubscribe(TAKEN, take);
  };
}

const NOBODY: ReadonlySet<Socket> = new Set();

class ConnectionBounds {
  #count = 0;
  readonly #ofHosts = new Map<string | undefined, Set<Socket>>();

  constructor(private readonly limits: ConnectionLimits) {}

  take(socket: Socket, host: string | undefined): void {
    const { max, hostMax, greetWithinMs } = this.limits;
    const isTooMany = host !== undefined && this.#of(host).size >= hostMax;
    if (isTooMany || (this.#count >= max && !this.#makeRoom(host))) {
      socket.destroy();
      return;
    }
    this.#add(host, socket);
    const cutSilent = () => {
      if (socket.bytesRead < GREETING_BYTES) socket.destroy();
    };
    // Once what has come is read: a process that was busy for so long must not take it out on its clients.
    const greeting = setTimeout(() => setImmediate(cutSilent), greetWithinMs);
    greeting.unref();
    socket.once('close', () => {
      clearTimeout(greeting);
      this.#remove(host, socket);
    });
  }

  // Only where it makes hosts more equal: two of them could else push one another out for ever.
  #makeRoom(host: string | undefined): boolean {
    let [largest, sockets] = [host, this.#of(host)];
    for (const [other, others] of this.#ofHosts) {
      if (others.size > sockets.size) [largest, sockets] = [other, others];
    }
    if (sockets.size <= this.#of(host).size + 1) return false;
    // The latest has the least to lose.
    const latest = [...sockets].at(-1);
    if (latest === undefined) return false;
    this.#remove(largest, latest);
    latest.destroy();
    return true;
  }

  #of(host: string | undefined): ReadonlySet<Socket> {
    return this.#ofHosts.get(host) ?? NOBODY;
  }

  #add(host: string | undefined, socket: Socket): void {
    const sockets = this.#ofHosts.get(host) ?? new Set();
    this.#ofHosts.set(host, sockets.add(socket));
    this.#count += 1;
  }

  #remove(host: string | undefined, socket: Socket): void {
    const sockets = this.#ofHosts.get(host);
    if (!sockets?.delete(socket)) return;
    this.#count -= 1;
    if (sockets.size === 0) this.#ofHosts.delete(host);
  }
}

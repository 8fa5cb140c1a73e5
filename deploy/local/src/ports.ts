import { createServer } from 'node:net';
import { readJson, writeFileAtomically } from './atomic-file.js';

/**
 * Ports are taken from below the range that systems hand to outgoing connections (32768 and up),
 * so that a restarting server does not find its port lent to somebody's client socket.
 */
export const PORT_FIRST = 20_000;
export const PORT_LAST = 31_999;

export type Ports = Record<string, number>;

/** True when a server may listen on the port of the loopback address now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

export interface PortRequest {
  readonly names: readonly string[];
  /** Ports used last time: kept when free. */
  readonly remembered: Ports;
  /** Ports that the user asked for: taken as they are, or an error. */
  readonly chosen: Ports;
  readonly isFree: (port: number) => Promise<boolean>;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** One port for each name, all different. Throws when a chosen port is taken or none can be found. */
export async function pickPorts(request: PortRequest): Promise<Ports> {
  const picked: Ports = {};
  const used = new Set<number>();
  const take = (name: string, port: number) => {
    picked[name] = port;
    used.add(port);
  };
  for (const name of request.names) {
    const chosen = request.chosen[name];
    if (chosen === undefined) continue;
    if (used.has(chosen)) throw new Error(`port ${chosen} was chosen twice`);
    if (!(await request.isFree(chosen))) {
      throw new Error(`port ${chosen}, chosen for ${name}, is in use by another program`);
    }
    take(name, chosen);
  }
  for (const name of request.names) {
    if (picked[name] !== undefined) continue;
    const before = request.remembered[name];
    const reusable = before !== undefined && !used.has(before) && (await request.isFree(before));
    take(name, reusable ? before : await findFreePort(request, used));
  }
  return picked;
}

async function findFreePort(request: PortRequest, used: Set<number>): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const port = PORT_FIRST + Math.floor(request.random() * (PORT_LAST - PORT_FIRST + 1));
    if (!used.has(port) && (await request.isFree(port))) return port;
  }
  throw new Error(`found no free port between ${PORT_FIRST} and ${PORT_LAST}`);
}

/** Ports of the last start; anything that is not a port number is dropped. */
export function readPorts(path: string): Ports {
  const value = readJson(path);
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(
    (entry): entry is [string, number] =>
      Number.isInteger(entry[1]) && entry[1] > 0 && entry[1] < 65_536,
  );
  return Object.fromEntries(entries);
}

/** Picks ports with the file's memory, and remembers what was picked. */
export async function allocatePorts(
  path: string,
  names: readonly string[],
  chosen: Ports,
): Promise<Ports> {
  const remembered = readPorts(path);
  const picked = await pickPorts({
    names,
    remembered,
    chosen,
    isFree: isPortFree,
    random: Math.random,
  });
  writeFileAtomically(path, `${JSON.stringify({ ...remembered, ...picked }, null, 2)}\n`);
  return picked;
}

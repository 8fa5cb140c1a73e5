import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { boundConnections } from './connection-bounds.js';
import { hostsBut } from './host.js';

const GREETING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const IN_AN_HOUR = 3_600_000;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listen(server: Server = createHttp2Server() as unknown as Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** A connection, and whether it was cut or has been answered with the server's own SETTINGS. */
async function visit(port: number, words: Uint8Array = GREETING, from = '127.0.0.1') {
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  socket.write(words);
  ends.push(() => socket.destroy());
  const state = { isCut: false, isServed: false };
  socket.on('data', () => {
    state.isServed = true;
  });
  socket.on('close', () => {
    state.isCut = true;
  });
  await vi.waitFor(() => expect(state.isCut || state.isServed).toBe(true), { timeout: 10_000 });
  return { state, socket };
}

const bound = (
  port: number,
  limits: { max: number; hostMax: number; ms?: number },
  proxies = '',
) => {
  const { max, hostMax, ms = IN_AN_HOUR } = limits;
  const hostOf = hostsBut(proxies === '' ? [] : [proxies]);
  ends.push(boundConnections(port, hostOf, { max, hostMax, greetWithinMs: ms }));
};

describe('the connections of a port', () => {
  it.each([
    ['one host', { max: 9, hostMax: 2 }, ''],
    ['all hosts', { max: 2, hostMax: 9 }, ''],
    ['all hosts behind a proxy', { max: 2, hostMax: 1 }, '127.0.0.1'],
  ])('are bounded for %s, and make room when they end', async (_who, limits, proxy) => {
    const port = await listen();
    bound(port, limits, proxy);
    const first = await visit(port);
    const second = await visit(port);
    expect([first, second].map(({ state }) => state.isCut)).toEqual([false, false]);
    expect((await visit(port)).state).toEqual({ isCut: true, isServed: false });
    first.socket.destroy();
    await vi.waitFor(async () => expect((await visit(port)).state.isServed).toBe(true), {
      timeout: 10_000,
    });
    expect(second.state.isCut).toBe(false);
  });

  it('are counted for that port alone', async () => {
    const [port, other] = [await listen(), await listen()];
    for (const each of [port, other]) bound(each, { max: 1, hostMax: 1 });
    expect((await visit(port)).state.isServed).toBe(true);
    expect((await visit(port)).state.isServed).toBe(false);
    expect((await visit(other)).state.isServed).toBe(true);
  });

  it.each([
    ['a host', ''],
    ['a proxy', '127.0.0.1'],
  ])('are taken from %s that has all of them, for one that has fewer', async (_who, proxy) => {
    const port = await listen();
    bound(port, { max: 4, hostMax: 4 }, proxy);
    const [first, second, third, fourth] = [
      await visit(port),
      await visit(port),
      await visit(port),
      await visit(port),
    ];
    const other = () => visit(port, GREETING, '127.0.0.2');
    expect((await other()).state.isServed).toBe(true);
    if (!fourth.state.isCut) await once(fourth.socket, 'close');
    expect((await other()).state.isServed).toBe(true);
    if (!third.state.isCut) await once(third.socket, 'close');
    // Now they have the same, and neither may push the other out.
    expect((await other()).state.isServed).toBe(false);
    expect((await visit(port)).state.isServed).toBe(false);
    expect([first, second].map(({ state }) => state.isCut)).toEqual([false, false]);
    // A third host finds one that has more.
    expect((await visit(port, GREETING, '127.0.0.3')).state.isServed).toBe(true);
    // And then nobody has two more than a fourth would.
    expect((await visit(port, GREETING, '127.0.0.4')).state.isServed).toBe(true);
    expect((await visit(port, GREETING, '127.0.0.5')).state.isServed).toBe(false);
  });

  it('are bounded on that port alone', async () => {
    const [port, other] = [
      await listen(),
      await listen(createServer((socket) => socket.resume().end('x'))),
    ];
    bound(port, { max: 0, hostMax: 0 });
    expect((await visit(port)).state.isServed).toBe(false);
    expect((await visit(other)).state.isServed).toBe(true);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half of the preface', GREETING.subarray(0, 12)],
    ['the preface and nothing else', GREETING.subarray(0, 24)],
  ])('are cut when they say %s', async (_what, words) => {
    const port = await listen();
    bound(port, { max: 9, hostMax: 9, ms: 100 });
    const greeted = await visit(port);
    const { state, socket } = await visit(port, words);
    // Whatever the server says of itself meanwhile.
    if (!state.isCut) await once(socket, 'close');
    expect(greeted.state.isCut).toBe(false);
  });
});

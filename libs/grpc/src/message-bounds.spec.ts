import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  createServer,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { boundMessages } from './message-bounds.js';

const CALM = 11;
/** For what another thread or process does on a busy machine. */
const WITHIN = { timeout: 10_000 };
const IN_AN_HOUR = 3_600_000;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that reads every stream, or none. */
async function serve(limits: { withinMs?: number; bytesMax?: number }, reads = true) {
  const server = createServer();
  const received = { bytes: 0 };
  const streams: ServerHttp2Stream[] = [];
  const calls: Metadata[] = [];
  server.on('stream', (stream, headers) => {
    streams.push(stream);
    calls.push(Metadata.fromHttp2Headers(headers));
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      received.bytes += chunk.length;
    });
    if (!reads) stream.pause();
  });
  server.listen(0);
  await once(server, 'listening');
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const { withinMs = IN_AN_HOUR, bytesMax = 1_000_000 } = limits;
  // The port of a peer stands for its host: all that a test can have are at the same address.
  const { onTaken, end } = boundMessages(port, (peer) => peer, { withinMs, bytesMax });
  ends.push(end);
  const host = () => {
    const session = connect(`http://localhost:${port}`);
    ends.push(() => session.destroy());
    return session;
  };
  return { host, received, streams, calls, onTaken };
}

function call(session: ClientHttp2Session, bytes: Uint8Array, headers = {}) {
  const start = { ':method': 'POST', ':path': '/', ...headers };
  const stream: ClientHttp2Stream = session.request(start);
  stream.on('error', () => undefined);
  stream.write(bytes);
  return stream;
}

/** The first bytes of a message whose length is told as `length`. */
function begun(length: number, bytes: number): Buffer {
  const message = Buffer.alloc(5 + bytes);
  message.writeUInt32BE(length, 1);
  return message;
}

const cut = (stream: ClientHttp2Stream) =>
  vi.waitFor(() => expect(stream.rstCode).toBe(CALM), WITHIN);

describe('a message', () => {
  it('that does not end in time is cut with its call', async () => {
    const { host } = await serve({ withinMs: 100 });
    await cut(call(host(), begun(10, 9)));
  });

  it('that ended is not held against the call, however long nothing follows', async () => {
    const { host, received } = await serve({ withinMs: 40 });
    const session = host();
    const idle = call(session, begun(10, 10));
    await vi.waitFor(() => expect(received.bytes).toBe(15), WITHIN);
    // By then many times are over.
    await cut(call(session, begun(10, 9)));
    await cut(call(session, begun(10, 9)));
    expect(idle.closed).toBe(false);
  });

  it('that waits because nobody reads it is not cut, until somebody does', async () => {
    const { host, streams } = await serve({ withinMs: 40 }, false);
    const session = host();
    const waiting = call(session, begun(10, 9));
    await vi.waitFor(() => expect(streams).toHaveLength(1), WITHIN);
    const other = await serve({ withinMs: 40 });
    await cut(call(other.host(), begun(10, 9)));
    expect(waiting.closed).toBe(false);
    streams[0]?.resume();
    await cut(waiting);
  });
});

describe('unfinished messages together', () => {
  it('cost the calls of the host that holds most, and nobody else', async () => {
    const { host, received } = await serve({ bytesMax: 100_000 });
    const [attacker, good] = [host(), host()];
    const slow = call(good, begun(20_000, 10_000));
    const greedy = Array.from({ length: 4 }, () => call(attacker, begun(30_000, 20_000)));
    await vi.waitFor(() => expect(received.bytes).toBe(10_005 + 4 * 20_005), WITHIN);
    // All were let through so far; this one is too much.
    greedy.push(call(attacker, begun(30_000, 20_000)));
    await Promise.all(greedy.slice(0, 3).map(cut));
    expect(slow.closed).toBe(false);
    slow.write(Buffer.alloc(10_000));
    await vi.waitFor(() => expect(received.bytes).toBe(20_005 + 5 * 20_005), WITHIN);
    // What was cut is forgotten: there is room again, up to the bound.
    const later = call(attacker, begun(20_000, 15_000));
    await vi.waitFor(() => expect(received.bytes).toBe(20_005 + 5 * 20_005 + 15_005), WITHIN);
    expect(later.closed).toBe(false);
  });
});

describe('whole messages that no call has taken', () => {
  const LARGE = 40_000;
  const arrived = (received: { bytes: number }, messages: number) =>
    vi.waitFor(() => expect(received.bytes).toBe(messages * (LARGE + 5)), WITHIN);

  it('cost the calls of the host that holds most, whatever it says of itself', async () => {
    const { host, received } = await serve({ bytesMax: 200_000 });
    const [attacker, good] = [host(), host()];
    const waiting = call(good, begun(LARGE, LARGE));
    const first = call(attacker, begun(LARGE, LARGE), { 'swarmledger-call': '1' });
    await arrived(received, 2);
    call(attacker, begun(LARGE, LARGE));
    await cut(first);
    expect(waiting.closed).toBe(false);
  });

  it('cost nothing once they are taken', async () => {
    const { host, received, calls, onTaken } = await serve({ bytesMax: 200_000 });
    const stream = call(host(), begun(LARGE, LARGE));
    for (let messages = 1; messages < 6; messages++) {
      await arrived(received, messages);
      onTaken(calls[0] ?? new Metadata());
      stream.write(begun(LARGE, LARGE));
    }
    await arrived(received, 6);
    expect(stream.closed).toBe(false);
  });

  it('cost something even when they are empty', async () => {
    const { host } = await serve({ bytesMax: 200_000 });
    await cut(call(host(), Buffer.alloc(5 * 1_000)));
  });
});

describe('a call that its client resets without an error', () => {
  it.each([
    ['goes on', false],
    ['has ended', true],
  ])('ends although nobody reads what it sent, when its body %s', async (_what, hasEnded) => {
    const { host, streams } = await serve({}, false);
    const stream = call(host(), begun(10, 10));
    if (hasEnded) stream.end();
    await vi.waitFor(() => expect(streams[0]?.readableLength).toBe(15), WITHIN);
    const closed = once(streams[0] as ServerHttp2Stream, 'close');
    stream.close(constants.NGHTTP2_NO_ERROR);
    await closed;
  });
});

import {
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SERVICE_DEFINITIONS } from '#libs/contracts';
import { MESSAGES_IN_REQUEST_MAX } from './bounded-reader.js';
import { refuseCompressed } from './compression.js';
import { decodeWhenTaken } from './request-decoding.js';
import { REASON_TRAILER } from './status.js';

const raw = {
  requestSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
};
const { postVouchers, streamVouchers } = SERVICE_DEFINITIONS.VoucherService;
const POSTING = { post: { ...postVouchers, ...raw }, stream: { ...streamVouchers, ...raw } };
const Client = makeClientConstructor(POSTING as never, 'Posting');
const GZIP = 2;
const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

type Call = ServerDuplexStream<unknown, unknown>;

/** Vouchers of nothing, which are two bytes each, as the field of that number. */
function empty(field: number, count: number): Buffer {
  const batch = Buffer.alloc(2 * count, Buffer.from([10, 0]));
  const length = [0x80 | (batch.length & 127), 0x80 | ((batch.length >> 7) & 127)];
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length, batch.length >> 14]), batch]);
}

async function serve(onStream: (call: Call) => void, options = {}) {
  const server = new Server();
  const taken: Metadata[] = [];
  decodeWhenTaken(server, (metadata) => taken.push(metadata));
  server.addService({ post: postVouchers, stream: streamVouchers } as never, {
    post: (_call: unknown, callback: (e: null, v: unknown) => void) => callback(null, {}),
    stream: onStream,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  ends.push(() => server.forceShutdown());
  ends.push(() => client.close());
  const post = (bytes: Buffer) =>
    new Promise<ServiceError | null>((resolve) => {
      client.post?.(bytes, new Metadata(), (error: ServiceError | null) => resolve(error));
    });
  const stream = () => client.stream?.() as ClientDuplexStream<Buffer, Buffer>;
  return { port, post, stream, taken };
}

const isTooMany = (error: ServiceError | null) => {
  expect(error?.code).toBe(status.INVALID_ARGUMENT);
  expect(error?.metadata.get(REASON_TRAILER)).toEqual(['LIMIT_EXCEEDED']);
  expect(error?.details).toMatch(/more than 8200 messages/);
};

describe('a request of more messages than any may hold', () => {
  it('is refused in a single call, and one that holds as many is not', async () => {
    const { post, taken } = await serve(() => undefined);
    expect(await post(empty(1, MESSAGES_IN_REQUEST_MAX - 2))).toBeNull();
    isTooMany(await post(empty(1, MESSAGES_IN_REQUEST_MAX - 1)));
    expect(taken).toHaveLength(2);
  });

  it('ends a stream after what came before, and hides what comes after', async () => {
    const got: unknown[] = [];
    const { stream } = await serve((call) => {
      call.on('data', (message: unknown) => got.push(message));
      call.on('error', () => undefined);
    });
    const call = stream();
    const error = new Promise<ServiceError>((resolve) => call.on('error', resolve));
    const messages = [empty(2, 1), empty(2, MESSAGES_IN_REQUEST_MAX), empty(2, 1)];
    for (const message of messages) call.write(message);
    isTooMany(await error);
    expect(got).toHaveLength(1);
  });
});

it('the messages of a stream are taken one by one as they are read, the malformed one included', async () => {
  let call: Call | undefined;
  const got: unknown[] = [];
  const { stream, taken } = await serve((opened) => {
    call = opened;
    opened.on('data', (message: unknown) => {
      got.push(message);
      opened.pause();
    });
    opened.on('error', () => undefined);
  });
  const sender = stream();
  const error = new Promise<ServiceError>((resolve) => sender.on('error', resolve));
  for (const message of [empty(2, 1), empty(2, 2), Buffer.from([7])]) sender.write(message);
  for (let messages = 1; messages < 3; messages++) {
    await vi.waitFor(() => expect(got).toHaveLength(messages), { timeout: 10_000 });
    // The next one is there, and nobody takes it.
    await vi.waitFor(() => expect(call?.readableLength).toBeGreaterThan(0), { timeout: 10_000 });
    expect(taken).toHaveLength(messages);
    call?.resume();
  }
  expect((await error).metadata.get(REASON_TRAILER)).toEqual(['MALFORMED']);
  expect(taken).toHaveLength(3);
});

describe('a compressed request', () => {
  it('is not taken, whatever it holds, and plain ones are', async () => {
    const options = { 'grpc.default_compression_algorithm': GZIP };
    const packing = await serve(() => undefined, options);
    const message = empty(1, 1);
    expect(await packing.post(message)).toBeNull();
    ends.push(refuseCompressed(packing.port));
    const error = await packing.post(message);
    expect(error?.code).toBe(status.UNIMPLEMENTED);
    expect(error?.details).toMatch(/send it plain/);
    const plain = await serve(() => undefined);
    ends.push(refuseCompressed(plain.port));
    expect(await plain.post(message)).toBeNull();
  });
});

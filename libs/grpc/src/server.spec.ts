import { getDefaultHighWaterMark } from 'node:stream';
import {
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '#libs/domain';
import { decodeWhenTaken } from './request-decoding.js';
import { grpcMicroservice, READ_AHEAD_MESSAGES, SERVER_CHANNEL_OPTIONS } from './server.js';
import { ServingStatus } from './serving-status.js';
import { REASON_TRAILER } from './status.js';

describe('the limits of a server', () => {
  it('cover everything that grpc-js would leave open', () => {
    expect(SERVER_CHANNEL_OPTIONS).toEqual({
      'grpc.max_concurrent_streams': 64,
      'grpc.max_receive_message_length': LIMITS.requestBytesMax,
      'grpc.max_send_message_length': 4_194_304,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_connection_idle_ms': 300_000,
      'grpc.max_connection_age_ms': 1_800_000,
      'grpc.max_connection_age_grace_ms': 300_000,
      'grpc-node.max_session_memory': 10,
      'grpc.enable_channelz': 0,
    });
  });

  it('are given to Nest, with a short read-ahead of messages', () => {
    const port = {
      services: ['VoucherService'] as const,
      host: 'localhost',
      port: 1,
      reflection: false,
    };
    const { options } = grpcMicroservice(port, new ServingStatus());
    expect(options.channelOptions).toBe(SERVER_CHANNEL_OPTIONS);
    expect(getDefaultHighWaterMark(true)).toBe(READ_AHEAD_MESSAGES);
  });
});

// A service of JSON texts, so that what is malformed is easy to say.
const json = {
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown,
  responseSerialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown,
};
const method = (name: string, requestStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream: requestStream,
  ...json,
});
const ECHO = { one: method('One', false), many: method('Many', true) };
const Client = makeClientConstructor(ECHO, 'Echo');

describe('a message that cannot be decoded', () => {
  const server = new Server(SERVER_CHANNEL_OPTIONS);
  let client: InstanceType<typeof Client>;

  beforeAll(async () => {
    decodeWhenTaken(server, () => undefined);
    server.addService(ECHO, {
      one: (call: { request: unknown }, callback: (e: null, v: unknown) => void) =>
        callback(null, call.request),
      many: (call: NodeJS.ReadWriteStream) => {
        call.on('data', (message) => call.write(message as string));
        call.on('end', () => call.end());
        call.on('error', () => undefined);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  });

  afterAll(() => {
    client.close();
    server.forceShutdown();
  });

  const one = (text: string, metadata = new Metadata()) =>
    new Promise<unknown>((resolve, reject) => {
      client.one?.(text, metadata, (error: ServiceError | null, value: unknown) =>
        error === null ? resolve(value) : reject(error),
      );
    });

  const many = () => client.many?.() as ClientDuplexStream<string, unknown>;

  it('is refused with MALFORMED and a sentence, in a unary call', async () => {
    expect(await one('{"a":1}')).toEqual({ a: 1 });
    const error = await one('{').then(
      () => undefined,
      (reason: ServiceError) => reason,
    );
    expect(error?.code).toBe(status.INVALID_ARGUMENT);
    expect(error?.metadata.get(REASON_TRAILER)).toEqual(['MALFORMED']);
    expect(error?.details).toMatch(/the message cannot be read: \S+/);
  });

  it('ends its stream after the answers to what came before', async () => {
    const stream = many();
    const answers: unknown[] = [];
    stream.on('data', (answer) => answers.push(answer));
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    stream.write('1');
    await new Promise((resolve) => stream.once('data', resolve));
    stream.write('{');
    const error = await ended;
    expect(answers).toEqual([1]);
    expect(error.metadata.get(REASON_TRAILER)).toEqual(['MALFORMED']);
  });

  it.each([
    ['plain', 0],
    ['packed by gzip', 2],
  ])('is not even looked at beyond the limit, %s', async (_how, algorithm) => {
    const target = client.getChannel().getTarget().replace(/^dns:/, '');
    const large = new Client(target, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': algorithm,
    });
    const text = `"${'x'.repeat(LIMITS.requestBytesMax)}"`;
    const error = await new Promise<ServiceError | null>((resolve) => {
      large.one?.(text, new Metadata(), (reason: ServiceError | null) => resolve(reason));
    });
    large.close();
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

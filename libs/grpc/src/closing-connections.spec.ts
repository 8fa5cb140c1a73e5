import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { keepClosingConnections } from './closing-connections.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const plain = (bytes: Buffer) => bytes;

/** A server that sends back what it is sent, and asks its clients ten times a second whether they live. */
async function serve(options: object): Promise<{ server: Server; client: Client }> {
  const server = new Server({
    'grpc.keepalive_time_ms': 100,
    'grpc.keepalive_timeout_ms': 5_000,
    ...options,
  });
  server.register(
    '/echo',
    (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (bytes: Buffer) => call.write(bytes));
      call.on('end', () => call.end());
    },
    plain,
    plain,
    'bidi',
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  ends.push(() => server.forceShutdown(), keepClosingConnections(port));
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  ends.push(() => client.close());
  return { server, client };
}

/** A call, and how it ends. */
function open(client: Client) {
  const call = client.makeBidiStreamRequest('/echo', plain, plain);
  call.on('error', () => undefined);
  const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
  return { call, ended };
}

/** Sends until so many questions of the server are over, and answers how the call ended. */
async function talk(client: Client, told: () => Promise<unknown>): Promise<number> {
  const { call, ended } = open(client);
  let answers = 0;
  call.on('data', () => answers++);
  const say = async () => {
    const before = answers;
    call.write(Buffer.from('x'));
    await eventually(() => expect(answers).toBeGreaterThan(before));
  };
  await say();
  await told();
  for (let questions = 0; questions < 5; questions++) {
    await new Promise((resolve) => setTimeout(resolve, 120));
    await say();
  }
  call.end();
  return (await ended).code;
}

it('a call goes on when its connection is too old, until the time that it has then is over', async () => {
  const { client } = await serve({
    'grpc.max_connection_age_ms': 200,
    'grpc.max_connection_age_grace_ms': 60_000,
  });
  expect(await talk(client, () => new Promise((resolve) => setTimeout(resolve, 400)))).toBe(
    status.OK,
  );
});

it('a call goes on while the server waits for it in order to stop', async () => {
  const { server, client } = await serve({});
  let isOver = false;
  const code = await talk(client, async () => {
    server.tryShutdown(() => {
      isOver = true;
    });
  });
  expect(code).toBe(status.OK);
  await eventually(() => expect(isOver).toBe(true));
});

it('a call is cut when the time of an old connection is over', async () => {
  const { client } = await serve({
    'grpc.max_connection_age_ms': 200,
    'grpc.max_connection_age_grace_ms': 300,
  });
  const { call, ended } = open(client);
  call.on('data', () => undefined);
  call.write(Buffer.from('x'));
  expect((await ended).code).toBe(status.UNAVAILABLE);
});

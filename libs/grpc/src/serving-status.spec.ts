import {
  type Client,
  credentials,
  loadPackageDefinition,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Health } from '#libs/observability';
import { eventually } from '#libs/testing';
import { ServingStatus } from './serving-status.js';

type HealthClient = Client & {
  check(
    request: { service: string },
    done: (error: Error | null, answer?: { status: string }) => void,
  ): void;
  watch(request: { service: string }): NodeJS.ReadableStream & { cancel(): void };
};

const serving = new ServingStatus();
const server = new Server();
let client: HealthClient;

beforeAll(async () => {
  serving.addTo(server, ['LedgerService']);
  const port = await new Promise<number>((resolve, reject) => {
    const insecure = ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', insecure, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const { Health: HealthClient } = loadPackageDefinition({ Health: healthService }) as unknown as {
    Health: new (...args: ConstructorParameters<typeof Client>) => HealthClient;
  };
  client = new HealthClient(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

const check = (service = '') =>
  new Promise<string>((resolve, reject) => {
    client.check({ service }, (error, answer) =>
      error === null ? resolve(answer?.status ?? '') : reject(error),
    );
  });

it('follows the checks of the process, until it drains', async () => {
  let failure = '';
  const health = new Health();
  health.add('books', () => {
    if (failure !== '') throw new Error(failure);
  });
  expect(await check()).toBe('NOT_SERVING');
  await serving.follow(health, 10);
  expect(await check()).toBe('SERVING');
  expect(await check('swarmledger.v1.LedgerService')).toBe('SERVING');
  await expect(check('swarmledger.v1.VoucherService')).rejects.toThrow(/unknown/);

  const seen: string[] = [];
  const watch = client.watch({ service: 'swarmledger.v1.LedgerService' });
  watch.on('data', (answer: { status: string }) => seen.push(answer.status));
  watch.on('error', () => undefined);
  await eventually(() => expect(seen).toEqual(['SERVING']));
  failure = 'gone';
  await eventually(async () => expect(await check()).toBe('NOT_SERVING'));
  failure = '';
  await eventually(async () => expect(await check()).toBe('SERVING'));

  serving.drain();
  expect(await check('swarmledger.v1.LedgerService')).toBe('NOT_SERVING');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await check()).toBe('NOT_SERVING');
  expect(seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING', 'NOT_SERVING']);
  watch.cancel();
});

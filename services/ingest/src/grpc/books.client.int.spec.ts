import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ChannelView,
  type ListChannelViewsRequest,
  type ListChannelViewsResponse,
  SERVICE_DEFINITIONS,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, toGrpcError } from '#libs/grpc';
import { newChannel, PARTITIONS } from '../../test/factory.js';
import { viewOf } from '../../test/wire.js';
import { INGEST_LIMITS } from '../application/limits.js';
import { BooksClient } from './books.client.js';

const TOKEN = 'the secret';
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

type Answer = (ids: Buffer[]) => ChannelView[];

/** Books on a port of their own; `answer` gets the ids that were asked for. */
async function startBooks(answer: Answer) {
  const server = new Server();
  const listChannelViews = (
    call: ServerUnaryCall<ListChannelViewsRequest, ListChannelViewsResponse>,
    callback: sendUnaryData<ListChannelViewsResponse>,
  ) => {
    const { channelIds } = call.request;
    if (call.metadata.get(INTERNAL_TOKEN_TRAILER)[0] !== TOKEN) {
      callback(toGrpcError(refuse('UNAUTHENTICATED', 'wrong token')));
      return;
    }
    const ids = Array.from({ length: channelIds.length / 32 }, (_, at) =>
      channelIds.subarray(at * 32, at * 32 + 32),
    );
    callback(null, { views: answer(ids) });
  };
  const unused = () => undefined;
  server.addService(SERVICE_DEFINITIONS.BooksService, {
    creditDeposit: unused,
    resolveSuspense: unused,
    placeHold: unused,
    advanceWithdrawal: unused,
    listOpenWithdrawals: unused,
    listChannelViews,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  stops.push(() => server.forceShutdown());
  return clientOf(`127.0.0.1:${port}`);
}

function clientOf(address: string, token = TOKEN): BooksClient {
  const client = new BooksClient({ address, token, partitions: PARTITIONS });
  stops.push(() => client.close());
  return client;
}

describe('BooksClient', () => {
  it('asks for many channels at once and reads those that the books know', async () => {
    const all = Array.from({ length: 3 }, () => newChannel({ acceptedUnits: 5n }));
    const books = await startBooks((ids) =>
      all.filter(({ facts }) => ids.some((id) => id.equals(facts.id))).map((c) => viewOf(c.facts)),
    );
    const [a, , c] = all.map(({ facts }) => facts.id);
    const { known, unreadable } = await books.channels([a!, newChannel().facts.id, c!]);
    expect(known.map(({ id }) => Buffer.from(id))).toEqual([a, c].map((id) => Buffer.from(id!)));
    expect(known[0]).toMatchObject({ acceptedUnits: 5n, state: 'open', payee: all[0]!.payee });
    expect(unreadable).toEqual([]);
  });

  it('takes an answer of as many channels as may be asked for', async () => {
    const { facts } = newChannel();
    const books = await startBooks((ids) =>
      ids.map((channelId) => ({
        ...viewOf(facts),
        channelId,
        partition: channelId.readUInt32BE(0) % PARTITIONS,
      })),
    );
    const count = INGEST_LIMITS.lookupChannelsMax;
    const ids = Array.from({ length: count }, (_, at) => {
      const id = Buffer.alloc(32);
      id.writeUInt32BE(at);
      return id;
    });
    expect((await books.channels(ids)).known).toHaveLength(count);
  });

  it('names a channel that it cannot read, and still reads the others', async () => {
    const [good, bad] = [newChannel().facts, newChannel().facts];
    const books = await startBooks(() => [
      { ...viewOf(bad), payerPublicKey: Buffer.alloc(33) },
      viewOf(good),
    ]);
    const { known, unreadable } = await books.channels([good.id, bad.id]);
    expect(known).toHaveLength(1);
    expect(unreadable.map((id) => Buffer.from(id))).toEqual([Buffer.from(bad.id)]);
  });

  it('rejects a channel without id: nobody knows which question that answers', async () => {
    const { facts } = newChannel();
    const books = await startBooks(() => [{ ...viewOf(facts), channelId: Buffer.alloc(0) }]);
    await expect(books.channels([facts.id])).rejects.toThrow('without id');
  });

  it('rejects when the books refuse it or are not there', async () => {
    const books = clientOf('127.0.0.1:1');
    await expect(books.channels([newChannel().facts.id])).rejects.toThrow('UNAVAILABLE');
  });
});

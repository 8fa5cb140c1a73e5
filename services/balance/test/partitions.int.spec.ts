import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '#libs/crypto';
import type { Database, Transaction } from '#libs/database';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { createRepositories, type Repositories } from '../src/repositories.js';
import { claim, finalize, ledgerKit, record } from './ledger.kit.js';

// Partitions must never wait for one another, so a statement on the hot way may touch one only. What a statement
// touches is read from the locks that its transaction holds: these are the statements that the repositories
// really send, planned by Postgres as in service.

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let payer: KeyPair;
let payee: KeyPair;
let channel: StoredChannel;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  payer = await kit.account(1_000_000n);
  payee = await kit.account();
  channel = await kit.channel(payer, payee.address, 1_000n);
});

afterAll(async () => {
  await kit.database.close();
  await server.drop();
});

const PARTITION = /^ledger\.(?:channels_p\d|balances_(?:p\d|home)|tick_commitments_p\d)$/;

/** Partitions that a transaction has touched so far. */
async function touched(tx: Transaction): Promise<string[]> {
  const rows = await tx.sql<{ name: string }[]>`
    select distinct n.nspname || '.' || c.relname as name
    from pg_locks l join pg_class c on c.oid = l.relation
    join pg_namespace n on n.oid = c.relnamespace
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and c.relkind = 'r' order by 1`;
  return rows.map(({ name }) => name).filter((name) => PARTITION.test(name));
}

/** What work touches, in a transaction that is rolled back. Repositories get the transaction as their database. */
async function touchedBy(
  work: (at: Repositories, tx: Transaction) => Promise<unknown>,
): Promise<string[]> {
  class Undone extends Error {}
  let names: string[] = [];
  await kit.database
    .transaction(async (tx) => {
      const database = {
        sql: tx.sql,
        transaction: (inner: (t: Transaction) => unknown) => inner(tx),
      };
      await work(createRepositories(database as unknown as Database), tx);
      names = await touched(tx);
      throw new Undone();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  return names;
}

const ofChannel = () => `ledger.channels_p${channel.part}`;
const ofPayees = () => `ledger.balances_p${channel.part}`;

describe('one partition of the channels is touched', () => {
  it.each<[string, (at: Repositories, tx: Transaction) => Promise<unknown>]>([
    ['finding a channel', (at) => at.channels.find(channel.channelId)],
    ['finding many', (at) => at.channels.findMany([channel.channelId, channel.channelId])],
    ['locking it', (at, tx) => at.channels.lock(tx, channel.channelId)],
    ['by its number', (at, tx) => at.channels.byNumbers(tx, channel.part, [channel.channelNo])],
    ['marking it closing', (at, tx) => at.channels.markClosing(tx, channel, 5n)],
    [
      'noting that this is published',
      (at, tx) => at.channels.markClosingPublished(tx, channel.part, [channel.channelNo], 6n),
    ],
  ])('when %s', async (_name, work) => {
    expect(await touchedBy(work)).toEqual([ofChannel()]);
  });
});

describe('one row of the balances is touched', () => {
  it('when an account is locked', async () => {
    const names = await touchedBy((at, tx) => at.books.lockHomes(tx, [channel.payerNo]));
    expect(names).toEqual(['ledger.balances_home']);
  });

  it('when an operation is booked', async () => {
    const debit = { kind: 'available' as const, no: channel.payerNo };
    const credit = { kind: 'available' as const, no: channel.payeeNo };
    const posting = { kind: 'transfer' as const, debit, credit, units: 1n };
    const names = await touchedBy((at, tx) => at.books.post(tx, [posting], kit.time.nowMs));
    expect(names).toEqual(['ledger.balances_home']);
  });

  it('but all of an account when it is summed up, which is the exception', async () => {
    const names = await touchedBy((at, tx) => at.books.available(tx, channel.payerNo));
    expect(names).toHaveLength(9);
  });
});

describe('a flush', () => {
  it('of vouchers touches its own partition and no other', async () => {
    const next = await kit.use.vouchers.nextOffset(channel.part);
    const others = await Promise.all(
      Array.from({ length: 20 }, () => kit.channel(payer, payee.address, 100n)),
    );
    const mine = [channel, ...others.filter(({ part }) => part === channel.part)];
    const names = await inOneTransaction(async () => {
      const records = [
        record(
          next,
          mine.map((each) => claim(each, 7n)),
        ),
      ];
      await kit.use.vouchers.apply(channel.part, records);
    });
    expect(names).toEqual([ofPayees(), ofChannel()].sort());
  });

  it('that ends a channel, too', async () => {
    const next = await kit.use.vouchers.nextOffset(channel.part);
    await kit.close(payee, channel.channelId);
    const names = await inOneTransaction(() =>
      kit.use.vouchers.apply(channel.part, [record(next, [finalize(channel)])]),
    );
    expect(names).toEqual([ofPayees(), ofChannel()].sort());
  });

  /** What the next transaction of the use case touches, seen just before it ends. */
  async function inOneTransaction(work: () => Promise<unknown>): Promise<string[]> {
    const { database } = kit;
    const transaction = database.transaction.bind(database);
    let names: string[] = [];
    database.transaction = (inner) =>
      transaction(async (tx) => {
        const result = await inner(tx);
        names = await touched(tx);
        return result;
      });
    try {
      await work();
    } finally {
      database.transaction = transaction;
    }
    return names;
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { partitionOf } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import {
  payeeOfChannel,
  payeesOf,
  payersOf,
} from '../../../load-tests/src/bench/corpus/accounts.js';
import { CHANNEL_RECORD } from '../../../load-tests/src/bench/corpus/channels.js';
import { CorpusFolder } from '../../../load-tests/src/bench/corpus/corpus-folder.js';
import { channelAt, DEPOSIT_UNITS } from '../../../load-tests/src/bench/corpus/plan.js';
import { makeStream } from '../../../load-tests/src/bench/corpus/stream-maker.js';
import { LedgerWatchRepository } from '../../../load-tests/src/bench/measure/ledger-watch.repository.js';
import { SeedRepository } from '../../../load-tests/src/bench/seeding/seed.repository.js';
import { PLANS } from './corpus.kit.js';

let place: TestDatabase;
let database: Database;
let folder: string;
const nowMs = BigInt(Date.now());

beforeAll(async () => {
  place = await freshDatabase();
  database = new Database({ url: place.url, applicationName: 'spec', connectionsMax: 2 });
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-seed-'));
});
afterAll(async () => {
  await database.close();
  await place.drop();
  rmSync(folder, { recursive: true });
});

async function seed(kind: keyof typeof PLANS) {
  const plan = { ...PLANS[kind], seed: `seed of ${kind}` };
  const corpus = new CorpusFolder(folder, plan);
  for (const stream of [0, 1]) await makeStream(corpus, stream, 1, () => undefined);
  const { firstChannelNo } = await new SeedRepository(database).seed(corpus, nowMs);
  return { plan, corpus, firstChannelNo };
}

describe('seeded books', () => {
  it.each(['voucher', 'tick', 'bundle'] as const)(
    'balance, and hold the channels of a corpus of %ss',
    async (kind) => {
      const { plan, corpus, firstChannelNo } = await seed(kind);
      expect(await new LedgerWatchRepository(database).difference()).toBeUndefined();
      const [payers, payees] = [payersOf(plan), payeesOf(plan)];
      for (const [stream, handle] of [
        [0, 0],
        [1, 9],
      ] as const) {
        const channel = channelAt(plan, stream, handle);
        const at = handle * CHANNEL_RECORD.bytes;
        const record = corpus.records(stream).subarray(at, at + CHANNEL_RECORD.bytes);
        const id = Buffer.from(record.subarray(0, 32));
        const [row] = await database.sql`
        select c.*, payer.public_key, payee.address as payee from ledger.channels c
        join ledger.accounts payer on payer.account_no = c.payer_no
        join ledger.accounts payee on payee.account_no = c.payee_no
        where channel_no = ${firstChannelNo + BigInt(channel)}`;
        expect(row).toMatchObject({
          part: partitionOf(id, 8),
          channel_id: id,
          deposit_units: DEPOSIT_UNITS,
          cumulative_units: 0n,
          state: 1,
          payee: payees[payeeOfChannel(plan, channel)]?.address,
        });
        expect(payers.map(({ publicKey }) => Buffer.from(publicKey))).toContainEqual(
          row?.public_key,
        );
        const ticksMax = record.readUInt32BE(CHANNEL_RECORD.ticksMax);
        expect(row?.ticks_max ?? 0n).toBe(BigInt(ticksMax));
        expect(kind === 'tick').toBe(ticksMax > 0);
      }
      const [count] = await database.sql<{ rows: bigint }[]>`
      select count(*) as rows from ledger.channels where channel_no >= ${firstChannelNo}`;
      expect(count?.rows).toBe(BigInt(plan.channels));
    },
  );

  it('still balance after the journal was lengthened, and all postings wait to be sealed', async () => {
    const repository = new SeedRepository(database);
    await repository.ensureFillers(nowMs);
    await repository.ensureFillers(nowMs);
    const before = await repository.journalRows();
    await repository.lengthenJournal(120_001, nowMs);
    await repository.settle();
    expect(await repository.journalRows()).toBe(before + 120_002);
    expect(await new LedgerWatchRepository(database).difference()).toBeUndefined();
    // Three seeds with an operation of deposits and one of openings each; 120 002 rows by 50 000.
    expect(await repository.unsealed()).toBe(3 * 2 + 3);
    const [open] = await database.sql<{ rows: bigint }[]>`
      select count(*) as rows from ledger.journal j where not exists
        (select 1 from ledger.unsealed_operations o where o.operation_no = j.entry_no)`;
    expect(open?.rows).toBe(0n);
  });

  it('are told apart from books in which something is missing', async () => {
    const watch = new LedgerWatchRepository(database);
    await database.sql`update ledger.channels set cumulative_units = 5
      where channel_no = (select min(channel_no) from ledger.channels)`;
    expect(await watch.difference()).toMatch(
      /^channels: the journal gives \d+, the tables give \d+$/,
    );
    const [first] = await database.sql<
      { no: bigint }[]
    >`select min(channel_no) as no from ledger.channels`;
    const owed = await watch.owed(first?.no ?? 0n, 64);
    expect([owed[0], owed[1]]).toEqual([5, 0]);
  });

  it('cannot be made twice from one corpus', async () => {
    const { plan } = await seed('voucher').catch((error: Error) => ({ plan: error }));
    expect(String(plan)).toContain('accounts_address_key');
  });
});

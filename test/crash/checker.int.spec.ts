import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { claim, ledgerKit, record } from '../../services/balance/test/ledger.kit.js';
import type { Finding } from './src/check/findings.js';
import { LedgerChecker, toldBy } from './src/check/ledger-checker.js';
import { AckLogReader } from './src/load/ack-log.js';
import type { ListedChannel } from './src/load/order.js';

// Goal: the checker that finds nothing after a thousand kills is able to find something. Method: a real
// ledger and a true log of acknowledgements, in which it must find nothing; then one lie at a time.

const ACKS = [
  'S 0 300',
  'S 0 450',
  'A 1 0 300 packed',
  'A 2 0 450 typed',
  'S 1 80',
  'A 3 1 80 single',
  'S 2 9',
  '',
];

let server: TestDatabase;
let admin: postgres.Sql;
let folder: string;
let channels: ListedChannel[];
let ids: string[];
let part: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'checker-'));
  server = await freshDatabase();
  admin = postgres(server.url, { max: 1, onnotice: () => undefined });
  const kit = ledgerKit(server.url);
  const [payer, payee] = [await kit.account(10_000n), await kit.account()];
  // All in one partition, so that one flush raises several of them.
  const opened = [await kit.channel(payer, payee.address, 1_000n)];
  while (opened.length < 3) {
    const another = await kit.channel(payer, payee.address, 10n);
    if (another.part === opened[0]?.part) opened.push(another);
  }
  const [first, second, third] = opened;
  if (!first || !second || !third) throw new Error('three channels were opened');
  part = first.part;
  await kit.use.vouchers.apply(part, [record(0n, [claim(first, 300n), claim(second, 8n)])]);
  kit.time.nowMs += 250n;
  await kit.use.vouchers.apply(part, [
    record(1n, [claim(first, 400n)]),
    record(2n, [claim(first, 450n), claim(third, 9n)]),
  ]);
  await kit.use.sealing.round();
  await kit.database.close();
  ids = opened.map(({ channelId }) => toHex(channelId));
  channels = ids.map((id) => ({ id, kind: 'voucher' }));
});
afterAll(async () => {
  await admin.end();
  await server.drop();
  rmSync(folder, { recursive: true });
});

let logFile: string;
beforeEach(() => {
  logFile = join(folder, 'acks.log');
  // The second channel's deposit is 10: what it was told is at most that.
  writeFileSync(logFile, ACKS.join('\n').replaceAll('1 80', '1 8'));
});

async function findings(): Promise<Finding[]> {
  const reader = new AckLogReader(logFile);
  const checker = new LedgerChecker(server.url, channels);
  try {
    const log = reader.read();
    return await checker.check(toldBy(log), () => log.sentUnits, { whole: true });
  } finally {
    reader.close();
    await checker.close();
  }
}
const texts = (found: readonly Finding[]) => found.map(({ kind, text }) => `${kind}: ${text}`);

describe('the checker', () => {
  it('finds nothing in a ledger and a log that are as they were written', async () => {
    expect(texts(await findings())).toEqual([]);
  });

  it('waits for what was acknowledged and is not in the books yet, and says when it does not come', async () => {
    const checker = new LedgerChecker(server.url, channels);
    expect(await checker.waitFor({ ackedUnits: [450n, 8n], sentUnits: [] }, 1_000)).toBe(true);
    expect(await checker.waitFor({ ackedUnits: [451n, 8n], sentUnits: [] }, 100)).toBe(false);
    await checker.close();
  });

  it('names the channel of an acknowledgement that was raised in the log', async () => {
    const text = readFileSync(logFile, 'utf8');
    writeFileSync(logFile, text.replace('A 2 0 450', 'A 2 0 451'));
    expect(texts(await findings())).toEqual([
      `lost: channel ${ids[0]}: 451 acknowledged, 450 owed`,
    ]);
  });

  it('names a channel that owes more than its payer ever claimed', async () => {
    const text = readFileSync(logFile, 'utf8');
    writeFileSync(logFile, text.replace('S 2 9', 'S 2 7'));
    expect(texts(await findings())).toEqual([
      `invented: channel ${ids[2]}: 9 owed, 7 claimed at most`,
    ]);
  });

  it('names a channel that is acknowledged and does not exist', async () => {
    channels.push({ id: 'ab'.repeat(32), kind: 'tick' });
    writeFileSync(logFile, `${readFileSync(logFile, 'utf8')}S 3 1\nA 4 3 1 single\n`);
    expect(texts(await findings())).toEqual([
      `lost: channel ${'ab'.repeat(32)}: 1 acknowledged, nothing owed`,
    ]);
    channels.pop();
  });
});

describe('a changed row', () => {
  let undo: () => Promise<unknown>;
  afterEach(async () => {
    await undo();
    expect(texts(await findings())).toEqual([]);
  });
  /** Keeps a table as it is now, and puts it back after the test. */
  const keep = async (table: string) => {
    await admin.unsafe(`create table kept as select * from ledger.${table}`);
    undo = () =>
      admin.unsafe(`delete from ledger.${table}; insert into ledger.${table} select * from kept;
        drop table kept`);
  };

  it('of the journal is named by channel, account and link', async () => {
    await keep('journal');
    await admin`update ledger.journal set units = units + 1 where part = ${part} and entry_no = 1
      and units = 150`;
    const found = texts(await findings());
    expect(found).toContainEqual(`books: channel ${ids[0]} owes 450, its postings add up to 451`);
    expect(found).toContainEqual(
      expect.stringMatching(/^books: account \d+ has 467 in part \d, .* 468$/),
    );
    expect(found).toContainEqual(
      `chain: link 2 of part ${part} stands for 2 postings that hash to something else than the 2 there are`,
    );
    expect(found).toHaveLength(3);
  });

  it('of the journal is named by its link also when nothing else shows it', async () => {
    await keep('journal');
    await admin`update ledger.journal set reference = '\\x00' where part = ${part} and entry_no = 0`;
    expect(texts(await findings())).toEqual([
      `chain: link 1 of part ${part} stands for 2 postings that hash to something else than the 2 there are`,
    ]);
  });

  it('that is a deposit is named by the link of the operations', async () => {
    await keep('journal');
    await admin`update ledger.journal set units = units + 5 where part = -1 and kind = 1`;
    const found = texts(await findings());
    expect(found).toContainEqual(expect.stringMatching(/^chain: link 1 of the operations/));
    expect(found).toContainEqual(
      expect.stringMatching(/^books: the reserve of asset 1 is 10000, .* 10005$/),
    );
  });

  it('of the chain is named, whichever number it changes', async () => {
    await keep('flushes');
    await admin`update ledger.flushes set units = units + 1 where part = ${part} and flush_no = 1`;
    expect(texts(await findings())).toEqual([
      `chain: link 1 of part ${part} does not hash to what it says`,
    ]);
  });

  it('of the chain with a hash made for it breaks the link after it', async () => {
    await keep('flushes');
    await admin`update ledger.flushes set units = units + 1 where part = ${part} and flush_no = 1`;
    await admin`update ledger.flushes f set hash = ledger.flush_hash(f)
      where part = ${part} and flush_no = 1`;
    expect(texts(await findings())).toEqual([
      `chain: link 2 of part ${part} does not follow on the one before it`,
    ]);
  });

  it('of the channels is a loss', async () => {
    await keep('channels');
    await admin`update ledger.channels set cumulative_units = 449 where cumulative_units = 450`;
    const found = texts(await findings());
    expect(found[0]).toBe(`lost: channel ${ids[0]}: 450 acknowledged, 449 owed`);
    expect(found).toContainEqual(`books: channel ${ids[0]} owes 449, its postings add up to 450`);
    expect(found).toContainEqual(
      expect.stringMatching(/^books: the ledger owes 10001, its reserve is 10000$/),
    );
  });

  it('of the balances is money from nowhere', async () => {
    await keep('balances');
    await admin`update ledger.balances set units = units + 1 where part = ${part}`;
    const found = texts(await findings());
    expect(found).toContainEqual(
      expect.stringMatching(/^books: account \d+ has 468 in part \d, .* 467$/),
    );
    expect(found).toContainEqual('books: the ledger owes 10001, its reserve is 10000');
  });
});

describe('a flush', () => {
  let undo: () => Promise<unknown>;
  afterEach(async () => {
    await undo();
    expect(texts(await findings())).toEqual([]);
  });

  it('applied twice is named by its offset', async () => {
    await admin`insert into ledger.journal
      select at_ms + 1, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no,
        units, reference
      from ledger.journal where part = ${part} and entry_no = 0`;
    undo = () => admin`delete from ledger.journal j where part = ${part} and at_ms =
      (select at_ms + 1 from ledger.flushes f where f.part = ${part} and f.flush_no = 1)`;
    const found = texts(await findings());
    expect(found).toContainEqual(
      `doubled: records from offset 0 of partition ${part} were applied 2 times`,
    );
    expect(found).toContainEqual(
      `doubled: channel ${ids[0]} was paid 2 times by the flush at offset 0 of partition ${part}`,
    );
    expect(found.filter((text) => text.startsWith('chain'))).toHaveLength(1);
  });

  it('that was left out of the log is named', async () => {
    await admin`update ledger.log_offsets set next_offset = 4 where topic = 'vouchers' and part = ${part}`;
    undo = () => admin`update ledger.log_offsets set next_offset = 3
      where topic = 'vouchers' and part = ${part}`;
    expect(texts(await findings())).toEqual([
      `offsets: partition ${part} is applied up to 4, its chain ends at 3`,
    ]);
  });

  it('that is missing in the chain leaves a gap and postings that belong to nobody', async () => {
    await admin.unsafe(`create table kept as select * from ledger.flushes where part = ${part} and flush_no = 1;
      delete from ledger.flushes where part = ${part} and flush_no = 1`);
    undo = () => admin.unsafe('insert into ledger.flushes select * from kept; drop table kept');
    expect(texts(await findings())).toEqual([
      `offsets: link 2 of part ${part} goes on at 1 after one that ended at 0`,
      `offsets: 2 postings at offset 0 of partition ${part} belong to no flush`,
      `chain: link 2 of part ${part} does not follow on the one before it`,
    ]);
  });

  it('of which something is in quarantine is named', async () => {
    await admin`insert into ledger.quarantine (topic, part, log_offset, line, reason, content, at_ms)
      values ('vouchers', ${part}, 2, 0, 'the channel is closed', '', 0)`;
    undo = () => admin`delete from ledger.quarantine`;
    expect(texts(await findings())).toEqual([
      `quarantine: vouchers partition ${part} offset 2: the channel is closed`,
    ]);
  });
});

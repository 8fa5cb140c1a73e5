import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { type LogBlock, LogRecordWriter } from '#libs/contracts';
import { Database, migrate } from '#libs/database';
import { startStack } from '../../../deploy/local/src/stack.js';
import { ApplyVouchersService } from '../src/application/apply-vouchers.service.js';
import { createRepositories } from '../src/repositories.js';

// Measures the application of the voucher log on a server of its own:
//   node dist/services/balance/test/apply.measure.js --channels 200000 --flushes 1000,5000,20000 --kind voucher

const { values } = parseArgs({
  options: {
    channels: { type: 'string', default: '200000' },
    flushes: { type: 'string', default: '1000,5000,20000' },
    kind: { type: 'string', default: 'voucher' },
    settings: { type: 'string', default: '{}' },
    rows: { type: 'string', default: '160000' },
  },
});
const PARTS = 8;
const BUNDLE = 32;
const channels = Number(values.channels);
const perPart = Math.floor(channels / PARTS);

const { DATABASE_URL: _, ...env } = process.env;
const stack = await startStack({
  dataDir: mkdtempSync(join(tmpdir(), 'swarmledger-measure-')),
  parts: ['postgres'],
  guard: true,
  temporary: true,
  env,
  postgresSettings: JSON.parse(values.settings) as Record<string, string>,
});
try {
  await measure(stack.urls.databaseUrl ?? '', stack.process('postgres').pid);
} finally {
  await stack.stop();
}

async function measure(url: string, postgresPid: number): Promise<void> {
  await migrate(url);
  const owner = new Database({ url, applicationName: 'measure', connectionsMax: 1 });
  await seed(owner);
  const role = 'swarmledger_balance';
  const database = new Database({ url, applicationName: 'measure', connectionsMax: 4, role });
  const repositories = createRepositories(database);
  const logger = pino({ level: 'error' });
  const clock = () => BigInt(Date.now());
  const service = new ApplyVouchersService({ database, ...repositories, clock, logger });
  let units = 0n;
  for (const size of values.flushes.split(',').map(Number)) {
    const perFlush = Math.min(size, perPart);
    const rounds = Math.max(16, Math.ceil(Number(values.rows) / perFlush));
    const spent = { ms: 0, node: 0, postgres: 0, rows: 0 };
    for (let round = -PARTS; round < rounds; round++) {
      const part = (round + PARTS) % PARTS;
      units += 10n;
      const offset = await service.nextOffset(part);
      const records = recordsOf(chooseChannels(part, perFlush), units, offset);
      const pg = cpuMs(postgresPid);
      const before = { at: performance.now(), node: process.cpuUsage(), pg };
      const applied = await service.apply(part, records);
      const ms = performance.now() - before.at;
      const node = process.cpuUsage(before.node);
      if (applied.channels !== perFlush)
        throw new Error(`${applied.channels} of ${perFlush} raised`);
      if (round < 0) continue;
      spent.ms += ms;
      spent.node += node.user + node.system;
      spent.postgres += cpuMs(postgresPid) - before.pg;
      spent.rows += perFlush;
    }
    const each = (value: number) => (value / spent.rows).toFixed(2).padStart(7);
    console.log(
      `${values.kind} ${channels} channels, ${perFlush} a flush:`,
      `${each(spent.ms * 1000)} µs, node ${each(spent.node)} µs, postgres ${each(spent.postgres * 1000)} µs a channel,`,
      `${(spent.ms / rounds).toFixed(1)} ms a flush, HOT ${await hotShare(owner)}`,
    );
  }
  await Promise.all([owner.close(), database.close()]);
}

async function seed(owner: Database): Promise<void> {
  await owner.sql`insert into ledger.channels
    (part, channel_no, channel_id, terms_hash, payer_no, payee_no, deposit_units, opened_at_ms)
    select n % ${PARTS}, n, sha256(int8send(n)), sha256(int8send(n)), 1 + n % 10000,
      10001 + (n * 7919) % 10000, 1000000000000, 0
    from generate_series(1, ${channels}::bigint) n`;
  await owner.sql`vacuum analyze ledger.channels`;
  await owner.sql`checkpoint`;
}

function chooseChannels(part: number, count: number): bigint[] {
  const chosen = new Set<number>();
  const all = count === perPart;
  while (chosen.size < count) {
    chosen.add(all ? chosen.size : Math.floor(Math.random() * perPart));
  }
  return [...chosen].map((at) => BigInt((part === 0 ? PARTS : part) + PARTS * at));
}

function recordsOf(numbers: readonly bigint[], units: bigint, first: bigint) {
  const signature = randomBytes(64);
  const blocks: LogBlock[] =
    values.kind === 'bundle'
      ? Array.from({ length: Math.ceil(numbers.length / BUNDLE) }, (_, at) => ({
          kind: 'bundle',
          validUntilMs: 1n,
          signature,
          entries: numbers
            .slice(at * BUNDLE, (at + 1) * BUNDLE)
            .map((channelNo) => ({ channelNo, cumulativeUnits: units, accepted: true })),
        }))
      : numbers.map((channelNo) => ({
          kind: values.kind === 'tick' ? 'tick' : 'voucher',
          channelNo,
          cumulativeUnits: units,
          detail: 5n,
          proof: values.kind === 'tick' ? signature.subarray(0, 32) : signature,
        }));
  const writer = new LogRecordWriter();
  const contents: Buffer[] = [];
  for (const block of blocks) {
    while (!add(writer, block)) contents.push(writer.finish());
  }
  contents.push(writer.finish());
  return contents.map((value, at) => ({
    offset: first + BigInt(at),
    key: null,
    value,
    timestampMs: 0,
  }));
}

function add(writer: LogRecordWriter, block: LogBlock): boolean {
  return block.kind === 'bundle'
    ? writer.addBundle(block.validUntilMs, block.signature, block.entries)
    : writer.addClaim(
        block.kind,
        block.channelNo,
        block.cumulativeUnits,
        block.detail,
        block.proof,
      );
}

async function hotShare(owner: Database): Promise<string> {
  await owner.sql`select pg_stat_clear_snapshot()`;
  const [row] = await owner.sql<{ share: number | null }[]>`
    select sum(n_tup_hot_upd)::float / nullif(sum(n_tup_upd), 0) as share
    from pg_stat_user_tables where schemaname = 'ledger' and relname like 'channels\\_p_'`;
  return (row?.share ?? 0).toFixed(3);
}

/** CPU time of a process and its children; 0 where /proc does not tell. */
function cpuMs(pid: number): number {
  let ticks = 0;
  for (const entry of safely(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = safely(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(entry) !== pid && Number(fields[1]) !== pid) continue;
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10;
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

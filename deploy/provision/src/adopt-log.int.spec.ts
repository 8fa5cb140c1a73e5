import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { TOPICS } from '#libs/contracts';
import { Database, LogSourceStore } from '#libs/database';
import { createKafka, LogProbe } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { freshDatabase, type TestDatabase, testKafkaBrokers } from '#libs/testing';
import { adoptLog } from './adopt-log.js';

const logger = createLogger({ name: 'test', level: 'silent' });
const kafka = createKafka({ clientId: 'adopt', brokers: testKafkaBrokers().split(','), logger });
const probe = new LogProbe(kafka);
const { vouchers, marketOrders } = TOPICS;

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await freshDatabase();
  database = new Database({ url: server.url, applicationName: 'adopt-test', connectionsMax: 1 });
});

afterAll(async () => {
  await probe.close();
  await database.close();
  await server.drop();
});

const books = () => new LogSourceStore(database, 'ledger').read(vouchers.name);
const market = () => new LogSourceStore(database, 'market').read(marketOrders.name);

// The tests' topics are shared: what they hold differs from run to run.
beforeEach(async () => {
  for (const { name } of [vouchers, TOPICS.marketMatches, marketOrders]) {
    const { clusterId, ranges } = await probe.look(name);
    const schema = name === marketOrders.name ? 'market' : 'ledger';
    const { nextOffsets } = await new LogSourceStore(database, schema).read(name);
    const partitions = [...nextOffsets].map(([part, expected]) => {
      return { part, expected, next: ranges.get(part)?.high ?? 0n };
    });
    await new LogSourceStore(database, schema).beginAnew(name, clusterId, partitions);
  }
});

test('logs that go on are left alone', async () => {
  const before = await books();
  expect(await adoptLog(database, kafka, true)).toMatch(/nothing to do/);
  expect(await books()).toEqual(before);
});

test('what is refused is told first and changed only when confirmed, from the first record on', async () => {
  const { ranges, clusterId } = await probe.look(vouchers.name);
  const end = ranges.get(3)?.high ?? 0n;
  await database.sql`update ledger.log_offsets set next_offset = ${end + 5n}
    where topic = ${vouchers.name} and part = 3`;
  const before = await books();
  const others = await market();
  const told = await adoptLog(database, kafka, false);
  expect(told).toMatch(new RegExp(`^vouchers: partition 3 ends at ${end}, but everything below`));
  expect(told).toContain(`partition 3: ${end + 5n} → ${ranges.get(3)?.low}`);
  expect(told).toMatch(/nothing was changed/);
  expect(await books()).toEqual(before);
  expect(await adoptLog(database, kafka, true)).toMatch(/start the services/);
  const lows = new Map([...ranges].map(([part, { low }]) => [part, low]));
  expect(await books()).toEqual({ clusterId, lost: null, nextOffsets: lows });
  expect(await market()).toEqual(others);
});

test.each([
  ['another cluster', { cluster_id: 'other' }, /it belonged to cluster other/],
  ['what a service found', { lost: 'partition 0 ends at 7' }, /partition 0 ends at 7/],
])('%s is refused and removed', async (_case, change, told) => {
  await database.sql`update market.log_sources set ${database.sql(change)}`;
  expect(await adoptLog(database, kafka, true)).toMatch(told);
  expect(await adoptLog(database, kafka, true)).toMatch(/nothing to do/);
  expect((await market()).lost).toBeNull();
});

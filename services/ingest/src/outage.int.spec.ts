import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Receipt, reasonFromWire, TOPICS } from '#libs/contracts';
import { REASON_TRAILER } from '#libs/grpc';
import { createKafka, ensureTopics } from '#libs/kafka';
import { eventually } from '#libs/testing';
import { type Stack, startStack } from '../../../deploy/local/src/stack.js';
import { type RunningIngest, startBooks, startIngest, TestLedger } from '../test/cluster.js';
import { FAR_FUTURE_MS, newChannel, type TestChannel, voucherOf } from '../test/factory.js';

// A broker of its own, since this test kills it: the others share theirs.
let stack: Stack;
let ledger: TestLedger;
let ingest: RunningIngest;
let books: Awaited<ReturnType<typeof startBooks>>;

const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
const channels = Array.from({ length: 16 }, () => newChannel());

beforeAll(async () => {
  const { DATABASE_URL: _database, KAFKA_BROKERS: _brokers, ...env } = process.env;
  const dataDir = mkdtempSync(join(tmpdir(), 'ingest-outage-'));
  stack = await startStack({ dataDir, env, parts: ['kafka'], guard: true, temporary: true });
  const logger = pino({ level: 'silent' });
  const kafka = createKafka({ clientId: 'test', brokers: brokers().split(','), logger });
  await ensureTopics(kafka, [TOPICS.vouchers, TOPICS.channels], 1);
  ledger = new TestLedger(brokers());
  // The leaders of topics made a moment ago may not be known everywhere yet.
  await eventually(() => ledger.start());
  books = await startBooks(...channels.map(({ facts }) => facts));
  ingest = await startIngest({ brokers: brokers(), balance: books.address });
  await untilReady();
});

afterAll(async () => {
  await ingest?.stop();
  books?.stop();
  await ledger?.stop();
  await stack?.stop();
});

function brokers(): string {
  return stack.urls.kafkaBrokers ?? '';
}

async function untilReady(): Promise<void> {
  await eventually(async () => expect(await ingest.ready()).toMatchObject({ status: 200 }), {
    timeoutMs: 60_000,
  });
}

/** Pays one voucher; resolves with the receipt, or the reason why there is none. */
function pay(channel: TestChannel, units: bigint): Promise<Receipt | string> {
  const batch = {
    vouchers: [voucherOf(channel, units, validUntilMs)],
    ticks: [],
    bundles: [],
  };
  return new Promise((resolve) => {
    ingest.client.postVouchers({ batch }, (error, response) => {
      const result = response?.outcomes?.vouchers[0]?.result;
      if (error !== null) resolve(String(error.metadata.get(REASON_TRAILER)[0] ?? error));
      else if (result?.$case === 'receipt') resolve(result.value);
      else resolve((result && reasonFromWire(result.value.reason)) ?? 'nothing');
    });
  });
}

it('loses no acknowledged payment when the broker is killed, and recovers by itself', async () => {
  const receipts: Receipt[] = [];
  const reasons = new Set<string>();
  let slowestMs = 0;
  let isOver = false;
  // Every channel pays on and on, one voucher after another, through all that happens.
  const payers = channels.map(async (channel) => {
    for (let units = 1n; !isOver; units++) {
      const startedMs = Date.now();
      const answer = await pay(channel, units);
      slowestMs = Math.max(slowestMs, Date.now() - startedMs);
      if (typeof answer !== 'string') receipts.push(answer);
      else {
        reasons.add(answer);
        await sleep(20);
      }
    }
  });
  await eventually(() => expect(receipts.length).toBeGreaterThan(200));
  const { pid } = stack.process('kafka');
  process.kill(pid, 'SIGKILL');
  await eventually(async () => expect((await ingest.ready()).status).toBe(503));
  await untilReady();
  const before = receipts.length;
  await eventually(() => expect(receipts.length).toBeGreaterThan(before + 200));
  isOver = true;
  await Promise.all(payers);

  expect(slowestMs).toBeLessThan(15_000);
  expect(stack.process('kafka').pid).not.toBe(pid);
  // SUPERSEDED: the record of an OUTCOME_UNKNOWN did stand in the log after all.
  const expected = ['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'SUPERSEDED'];
  expect([...reasons].filter((reason) => !expected.includes(reason))).toEqual([]);
  const reader = new TestLedger(brokers());
  await reader.start();
  await eventually(
    () => {
      for (const { channelId, partition, offset, acceptedUnits } of receipts) {
        const channel = channels.find(({ facts }) => channelId.equals(facts.id));
        const record = reader.record({ partition, offset }) ?? [];
        const logged = record.find(
          (block) => block.kind !== 'bundle' && block.channelNo === channel?.facts.channelNo,
        );
        expect(logged).toMatchObject({ cumulativeUnits: acceptedUnits });
      }
    },
    { timeoutMs: 20_000, intervalMs: 500 },
  );
  await reader.stop();
}, 180_000);

import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LedgerEvent, TOPICS } from '#libs/contracts';
import { createKafka, type OutRecord, Producer, TopicReader } from '#libs/kafka';
import { eventually, freshDatabase, type TestDatabase, testKafkaBrokers } from '#libs/testing';
import { OutboxRelayService } from '../src/application/outbox-relay.service.js';
import { ledgerKit } from './ledger.kit.js';

const logger = pino({ level: 'silent' });
const kafka = createKafka({ clientId: 'repeat', brokers: testKafkaBrokers().split(','), logger });
const producer = new Producer(kafka);
let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  await producer.connect();
});

afterAll(async () => {
  await producer.disconnect();
  await kit.database.close();
  await server.drop();
});

/** Writes, and then does not hear that it was written: what a relay sees that loses its connection. */
class DeafProducer extends Producer {
  answersLost = 0;

  override async send(records: readonly OutRecord[]) {
    const written = await producer.send(records);
    if (this.answersLost-- > 0) throw new Error('the answer was lost');
    return written;
  }
}

// The topic is shared: other tests leave records in it that are broken on purpose.
function readable(value: Buffer | null): LedgerEvent {
  try {
    return LedgerEvent.decode(value ?? Buffer.alloc(0));
  } catch {
    return LedgerEvent.create();
  }
}

it('an event that is published again carries the same number as the first time', async () => {
  const owners = [await kit.account(11n), await kit.account(22n), await kit.account(33n)];
  const addresses = new Set(owners.map(({ address }) => address));
  const numbers = new Map<string, bigint[]>();
  const reader = new TopicReader({
    kafka,
    topic: TOPICS.ledgerEvents.name,
    logger,
    onRecord: (_partition, { value }) => {
      const { event, eventNo } = readable(value);
      if (event?.$case !== 'deposit' || !addresses.has(event.value.account)) return;
      const seen = numbers.get(event.value.account) ?? [];
      numbers.set(event.value.account, [...seen, eventNo]);
    },
  });
  await reader.start();
  try {
    const { database, repositories, clock } = kit;
    const deaf = new DeafProducer(kafka);
    deaf.answersLost = 1;
    const { outbox, channels } = repositories;
    const relay = new OutboxRelayService(database, outbox, channels, deaf, clock, () => false);
    await expect(relay.round()).rejects.toThrow('the answer was lost');
    expect(await relay.round()).toBeGreaterThanOrEqual(3);
    expect(await relay.round()).toBe(0);
    await eventually(() => expect([...numbers.values()].flat()).toHaveLength(6), {
      timeoutMs: 30_000,
    });
    for (const [first, again, ...more] of numbers.values()) {
      expect(first).toBeGreaterThan(0n);
      expect([again, more]).toEqual([first, []]);
    }
    expect(new Set([...numbers.values()].flat()).size).toBe(3);
  } finally {
    await reader.stop();
  }
});

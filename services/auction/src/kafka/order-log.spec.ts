import { describe, expect, it } from 'vitest';
import { MarketOrder } from '#libs/contracts';
import type { OutRecord } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { MARKET_LIMITS } from '../domain/limits.js';
import { OrderLog } from './order-log.js';

const logger = createLogger({ name: 'test', level: 'silent' });
const order = MarketOrder.create({ atMs: 5n });
const swarm = Buffer.alloc(20, 1);

/** A producer whose sends end when the test says so. */
function manualProducer() {
  const sends: { records: readonly OutRecord[]; end: (error?: Error) => void }[] = [];
  const send = (records: readonly OutRecord[]) =>
    new Promise<[]>((resolve, reject) => {
      sends.push({ records, end: (error) => (error ? reject(error) : resolve([])) });
    });
  return { sends, send };
}

describe('OrderLog', () => {
  it('sends what waits together, in order, with its partition and key', async () => {
    const producer = manualProducer();
    const log = new OrderLog(producer, logger);
    const answers = [1, 2, 3].map((part) => log.append(part, swarm, order));
    expect(producer.sends[0]?.records.map(({ partition }) => partition)).toEqual([1]);
    producer.sends[0]?.end();
    expect(await answers[0]).toEqual({ ok: true, value: undefined });
    expect(producer.sends[1]?.records).toMatchObject([
      { topic: 'market-orders', partition: 2, key: swarm },
      { topic: 'market-orders', partition: 3, key: swarm },
    ]);
    producer.sends[1]?.end();
    await log.drain();
    expect(await answers[2]).toMatchObject({ ok: true });
  });

  it('says that the outcome is unknown when a send fails, and goes on', async () => {
    const producer = manualProducer();
    const log = new OrderLog(producer, logger);
    const first = log.append(0, swarm, order);
    producer.sends[0]?.end(new Error('broker gone'));
    expect(await first).toMatchObject({ ok: false, reason: 'OUTCOME_UNKNOWN' });
    const second = log.append(0, swarm, order);
    producer.sends[1]?.end();
    expect(await second).toMatchObject({ ok: true });
  });

  it('says so too when Kafka does not answer in time', async () => {
    const log = new OrderLog(manualProducer(), logger, 20);
    expect(await log.append(0, swarm, order)).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
  });

  it('refuses more than may wait', async () => {
    const log = new OrderLog(manualProducer(), logger, 50);
    const waiting = Array.from({ length: MARKET_LIMITS.logQueueMax + 1 }, () =>
      log.append(0, swarm, order),
    );
    expect(await log.append(0, swarm, order)).toMatchObject({ ok: false, reason: 'OVERLOADED' });
    await Promise.all(waiting);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '../src/index.js';
import { clientOf, fundedAccount, messageText, newAccount } from './fixture.js';

let chain: Devchain;
afterEach(() => chain.stop());

const until = async (condition: () => boolean | Promise<boolean>, withinMs: number) => {
  const endMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms`);
    await sleep(5);
  }
};

describe('block production by the clock', () => {
  it('solidifies a payment without being asked to', async () => {
    chain = await startDevchain({ blockIntervalMs: 50 });
    const payee = newAccount(chain);
    await chain.fund(payee.address, 5n);
    await until(async () => (await payee.tronWeb.trx.getBalance()) === 5, 10_000);
    const { block_header: header } = await clientOf(chain).trx.getCurrentBlock();
    expect(header.raw_data.timestamp % 50).toBe(0);
    expect(Math.abs(header.raw_data.timestamp - Date.now())).toBeLessThan(2_000);
  });

  it('slows down when idle and wakes up for a transaction', async () => {
    let skewMs = 0;
    chain = await startDevchain({ blockIntervalMs: 50, now: () => Date.now() + skewMs });
    await until(() => chain.headNumber > 4, 10_000);
    skewMs = 60_000;
    await sleep(120);
    const before = chain.headNumber;
    await sleep(500);
    expect(chain.headNumber - before).toBeLessThan(3);
    const payee = newAccount(chain);
    await chain.fund(payee.address, 5n);
    await until(async () => (await payee.tronWeb.trx.getUnconfirmedBalance()) === 5, 2_500);
    const awake = chain.headNumber;
    await until(() => chain.headNumber > awake + 3, 10_000);
  });

  it('stops and starts', async () => {
    chain = await startDevchain({ blockIntervalMs: 20 });
    await chain.setProducing(false);
    const before = chain.headNumber;
    await sleep(100);
    expect(chain.headNumber).toBe(before);
    await chain.setProducing(true);
    await until(() => chain.headNumber > before + 2, 10_000);
  });

  it('refuses more waiting transactions than it has room for', async () => {
    chain = await startDevchain({ producing: false, pendingMax: 2 });
    const payer = await fundedAccount(chain);
    const send = (sun: number) => payer.tronWeb.trx.sendTransaction(newAccount(chain).address, sun);
    expect([(await send(1)).result, (await send(2)).result]).toEqual([true, true]);
    const refused = await send(3);
    expect(refused.code).toBe('SERVER_BUSY');
    expect(messageText(refused)).toBe('Server busy.');
    await chain.mine();
    expect((await send(4)).result).toBe(true);
  });
});

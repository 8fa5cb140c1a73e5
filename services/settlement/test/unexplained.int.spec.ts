import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { abiAddress, ChainWallet, callData } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { Killed, killAt } from './kill.js';
import { HOT_WALLET_KEY, payee, scan, tickUntil, UNIT, World } from './world.js';

// Somebody else has the hot wallet's key.

let world: World;
let parts: Parts;
let thief: ChainWallet;
beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000n);
  parts = world.boot();
  thief = new ChainWallet({ url: world.devchain.url, timeoutMs: 5_000 }, HOT_WALLET_KEY);
});
afterAll(() => world.stop());

const ask = (number: number, asset = Asset.TRC20_BTT) =>
  world.books.request(number, asset, payee(number), 3n);
const isPaid = (id: string) => world.books.stateOf(id) === 'SOLIDIFIED';
const explain = (txid: string, reason = 'moved to a new wallet', operator = 'olga') =>
  parts.explanations.explain({ txid: Buffer.from(txid, 'hex'), operator, reason });

/** Reads what is solidified and tries to sign. */
async function paused(): Promise<string> {
  await world.solidify();
  await scan(parts);
  await parts.driver.round();
  return parts.driver.paused;
}

/** Why settlement is paused, by its status and by a dry run. */
async function shown({ status, drafts }: Parts): Promise<string[]> {
  const draft = await drafts.read();
  if (!draft.ok) throw new Error(draft.detail);
  return [(await status.read()).paused, draft.value.paused];
}

describe('a transaction of the hot wallet that settlement has not signed', () => {
  const { faucet, place } = { faucet: () => world.faucet, place: () => world.place };
  it.each([
    ['TRX', () => thief.sendTrx(faucet().address, 1n)],
    ['TRC-10', () => thief.sendTrc10(place().trc10Id, faucet().address, 1n)],
    [
      'a call of a token',
      () =>
        thief.trigger(
          place().trc20Address,
          callData('approve(address,uint256)', [abiAddress(faucet().address), 1n]),
        ),
    ],
  ])('stops settlement until an operator has explained it: %s', async (_what, send) => {
    const txid = await send();
    expect(await paused()).toMatch(new RegExp(`sent 1 transactions.* first ${txid}`));
    expect(await shown(parts)).toEqual([parts.driver.paused, parts.driver.paused]);
    expect(await explain(txid)).toEqual({ ok: true, value: false });
    expect(await paused()).toBe('');
    expect(await explain(txid)).toEqual({ ok: true, value: true });
    expect(await explain(txid, 'no, a theft')).toMatchObject({
      reason: 'NOT_PERMITTED',
      detail: 'olga has explained it: moved to a new wallet',
    });
  });

  it('is told by every process, also by one that does not lead', async () => {
    const txid = await thief.sendTrx(faucet().address, 3n);
    const told = await paused();
    const other = world.boot();
    expect(await shown(other)).toEqual([told, told]);
    await explain(txid);
    expect(await shown(other)).toEqual(['', '']);
    await world.kill(other);
  });

  it('that failed has moved nothing, and stops nothing', async () => {
    const call = callData('transfer(address,uint256)', [abiAddress(payee(9)), 10n ** 40n]);
    await expect(thief.trigger(world.place.trc20Address, call)).rejects.toThrow('REVERT');
    expect(await paused()).toBe('');
  });
});

describe('an explanation', () => {
  it('is of one transaction that needs it, by somebody, with a reason', async () => {
    const txid = await thief.sendTrx(world.faucet.address, 2n);
    await paused();
    const paying = ask(1);
    const own = Buffer.alloc(32, 3);
    for (const [of, operator, reason, refusal] of [
      [Buffer.alloc(31), 'olga', 'a reason', 'MALFORMED'],
      [Buffer.from(txid, 'hex'), ' ', 'a reason', 'MALFORMED'],
      [Buffer.from(txid, 'hex'), 'olga', ' no', 'MALFORMED'],
      [Buffer.from(txid, 'hex'), 'olga', 'a\0reason', 'MALFORMED'],
      [Buffer.from(txid, 'hex'), 'o'.repeat(101), 'a reason', 'LIMIT_EXCEEDED'],
      [Buffer.from(txid, 'hex'), 'olga', 'r'.repeat(257), 'LIMIT_EXCEEDED'],
      [own, 'olga', 'a reason', 'NOT_FOUND'],
    ] as const) {
      const answer = await parts.explanations.explain({ txid: of, operator, reason });
      expect(answer).toMatchObject({ ok: false, reason: refusal });
    }
    expect(await paused()).toContain(txid);
    expect(await explain(txid)).toMatchObject({ ok: true });
    await parts.runs.run();
    await tickUntil(world, parts, () => isPaid(paying));
    expect(await world.trc20Of(payee(1))).toBe(3n * UNIT);
    const [paid] = await parts.database.sql<{ txid: Buffer }[]>`
      select txid from settlement.attempts where outcome = 1`;
    expect(await explain(paid?.txid.toString('hex') ?? '')).toMatchObject({
      reason: 'NOT_PERMITTED',
    });
  });

  it('is kept for ever, as it was given', async () => {
    const { sql } = parts.database;
    await expect(sql`delete from settlement.explanations`).rejects.toThrow('permission denied');
    await expect(sql`update settlement.explanations set reason = 'another'`).rejects.toThrow(
      'permission denied',
    );
  });
});

describe('a process killed while an operator explains', () => {
  it.each(['before', 'inside', 'after'] as const)(
    '%s the word is kept, signs nothing until it is, and lets it be said again',
    async (when) => {
      const txid = await thief.sendTrx(world.faucet.address, 4n);
      await paused();
      const dying = world.boot();
      killAt(dying.explanationRows, 'keep', when);
      const words = { txid: Buffer.from(txid, 'hex'), operator: 'olga', reason: 'a stake' };
      await expect(dying.explanations.explain(words)).rejects.toThrow(Killed);
      await world.kill(dying);
      const isKept = when === 'after';
      expect(await paused()).toMatch(isKept ? /^$/ : new RegExp(txid));
      expect(await explain(txid, 'a stake')).toEqual({ ok: true, value: isKept });
      expect(await paused()).toBe('');
      const kept = await parts.database.sql`
        select hash = sha256(convert_to(concat_ws('|', encode(txid, 'hex'), operator, reason,
          explained_at_ms), 'UTF8')) as sealed
        from settlement.explanations where txid = ${words.txid}`;
      expect(kept).toEqual([{ sealed: true }]);
    },
  );
});

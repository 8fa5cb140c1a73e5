import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { BATCH } from '../src/domain/states.js';
import type { Parts } from '../src/parts.js';
import { payee, tick, tickUntil, UNIT, World } from './world.js';

const { TRC20_BTT, TRC10_BTTOLD } = Asset;
const LARGE = 1_000n;
let world: World;
let parts: Parts;
let next = 0;
beforeAll(async () => {
  world = await World.start();
  parts = world.boot({ APPROVAL_UNITS: LARGE.toString() });
  await world.fillReserves(1_000_000n);
});
afterAll(() => world.stop());

type Payout = { id: string; to: string; units: bigint };
const request = (units: bigint, asset: Asset = TRC20_BTT): Payout => {
  const number = ++next;
  const to = payee(0x3000 + number);
  return { id: world.books.request(number, asset, to, units), to, units };
};
const run = async (with_ = parts) => {
  const planned = await with_.runs.run();
  if (!planned.ok) throw new Error(planned.detail);
  return planned.value;
};
const stored = async (batchNo: bigint) => (await parts.batches.find([batchNo]))[0]!;
const ended = (...payouts: Payout[]) =>
  payouts.every(({ id }) => ['SOLIDIFIED', 'REFUNDED'].includes(world.books.stateOf(id)));
const decide = (batchNo: bigint, approve: boolean, operator = 'ann', note = '') =>
  parts.approvals.decide({ batchNo, approve, operator, note });

describe('a large batch', () => {
  it('waits for an operator and holds nobody else up', async () => {
    const [large, small] = [request(LARGE), request(5n)];
    const batches = await run();
    expect(batches.map(({ payouts, needsApproval }) => [payouts, needsApproval])).toEqual([
      [1, false],
      [1, true],
    ]);
    const { batchNo } = batches[1]!;
    await tickUntil(world, parts, () => ended(small));
    for (let ticks = 0; ticks < 5; ticks++) await tick(world, parts);
    expect(await stored(batchNo)).toMatchObject({ state: BATCH.planned, attempts: 0 });
    expect((await parts.status.read()).undecidedBatches).toBe(1n);
    expect(await decide(batchNo, true)).toMatchObject({ ok: true });
    await tickUntil(world, parts, () => ended(large));
    expect(await world.trc20Of(large.to)).toBe(LARGE * UNIT);
    expect(await stored(batchNo)).toMatchObject({ approved: true, decidedBy: 'ann' });
    expect((await parts.status.read()).undecidedBatches).toBe(0n);
  });

  it('is listed with its way and its price as long as it waits, newest first', async () => {
    const payouts = [request(LARGE), request(LARGE, TRC10_BTTOLD)];
    const [older = 0n, newer = 0n] = (await run()).map(({ batchNo }) => batchNo);
    const waiting = await parts.batches.undecided(undefined, 10);
    expect(waiting.map(({ batchNo }) => batchNo)).toEqual([newer, older]);
    expect((await parts.batches.undecided(newer, 10)).map(({ batchNo }) => batchNo)).toEqual([
      older,
    ]);
    const priced = await parts.drafts.priced(waiting);
    if (!priced.ok) throw new Error(priced.detail);
    const costs = priced.value.map(({ batch, cost }) => [batch.asset, cost.way, cost.operatorSun]);
    const { energySun, bandwidthSun } = await world.chain.prices();
    // One line of a batch and one transfer, by the measured figures of docs/settlement.md.
    expect(costs).toEqual([
      [TRC10_BTTOLD, 'single', 324n * bandwidthSun],
      [TRC20_BTT, 'batch', 64_366n * energySun + 509n * bandwidthSun],
    ]);
    await decide(older, true);
    await decide(newer, false);
    expect(await parts.batches.undecided(undefined, 10)).toEqual([]);
    await tickUntil(world, parts, () => ended(...payouts));
  });

  it('goes back to its owners, with the reason, when the operator says no', async () => {
    const large = request(LARGE, TRC10_BTTOLD);
    const [batch] = await run();
    const answer = await decide(batch!.batchNo, false, 'bob', 'looks odd');
    expect(answer).toMatchObject({ ok: true, value: { state: BATCH.failed, approved: false } });
    await tickUntil(world, parts, () => ended(large));
    expect(world.books.stateOf(large.id)).toBe('REFUNDED');
    expect(world.books.withdrawals.get(large.id)!.failure).toBe(
      'an operator did not let it through: looks odd',
    );
    expect(await run()).toEqual([]);
    expect(await world.trc10Of(large.to)).toBe(0n);
  });

  it('is decided once, whoever asks', async () => {
    const large = request(LARGE);
    const [batch] = await run();
    const { batchNo } = batch!;
    const answers = await Promise.all(
      [true, false, true, false].map((yes) => decide(batchNo, yes)),
    );
    const { approved } = await stored(batchNo);
    expect(answers.map(({ ok }) => ok)).toEqual(
      [true, false, true, false].map((yes) => yes === approved),
    );
    const refused = answers.find(({ ok }) => !ok);
    expect(refused).toMatchObject({ reason: 'NOT_PERMITTED' });
    await tickUntil(world, parts, () => ended(large));
    expect(await world.trc20Of(large.to)).toBe(approved ? LARGE * UNIT : 0n);
  });

  it('refuses what is no decision', async () => {
    const small = request(2n);
    const [batch] = await run();
    expect(await decide(batch!.batchNo, true)).toMatchObject({ reason: 'NOT_PERMITTED' });
    expect(await decide(999_999n, true)).toMatchObject({ reason: 'NOT_FOUND' });
    expect(await decide(batch!.batchNo, true, ' ')).toMatchObject({ reason: 'MALFORMED' });
    expect(await decide(batch!.batchNo, true, 'a', 'x'.repeat(257))).toMatchObject({
      reason: 'LIMIT_EXCEEDED',
    });
    for (const [name, note] of [
      ['a\0', 'yes'],
      ['ann', 'y\0es'],
    ] as const) {
      expect(await decide(batch!.batchNo, true, name, note)).toMatchObject({ reason: 'MALFORMED' });
    }
    await tickUntil(world, parts, () => ended(small));
  });

  it('cannot be signed past its operator: the database refuses, also a later "no need"', async () => {
    request(LARGE);
    const [batch] = await run();
    const { batchNo } = batch!;
    const { sql } = parts.database;
    const attempt = {
      batchNo,
      attempt: 1,
      txid: '77'.repeat(32),
      raw: Buffer.alloc(1),
      signed: Buffer.alloc(1),
      feeLimitSun: 1n,
      expirationMs: 1n,
    };
    await expect(parts.steps.sign(attempt, 1n)).rejects.toThrow('another process');
    await expect(
      sql`update settlement.batches set state = 2 where batch_no = ${batchNo}`,
    ).rejects.toThrow('batches_decided');
    await expect(
      sql`update settlement.batches set needs_approval = false where batch_no = ${batchNo}`,
    ).rejects.toThrow('stays as it was made');
    await decide(batchNo, false);
    await expect(
      sql`update settlement.batches set approved = true where batch_no = ${batchNo}`,
    ).rejects.toThrow('stays as it was made');
    await parts.reports.round();
  });

  it('keeps waiting when the limit is raised after it was planned', async () => {
    const large = request(LARGE);
    const [batch] = await run();
    const raised = world.boot({ APPROVAL_UNITS: '1000000' });
    for (let ticks = 0; ticks < 3; ticks++) await tick(world, raised);
    expect(await stored(batch!.batchNo)).toMatchObject({ state: BATCH.planned });
    await decide(batch!.batchNo, true);
    await tickUntil(world, raised, () => ended(large));
    await world.kill(raised);
  });
});

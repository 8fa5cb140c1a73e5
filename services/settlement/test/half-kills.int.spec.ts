import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import type { Parts } from '../src/parts.js';
import { Killed, killAt } from './kill.js';
import { payee, tickUntil, UNIT, World } from './world.js';

// A batch fails as a whole, and settlement dies while its payouts are planned, signed and paid in halves.

let world: World;
let next = 0;
beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000_000n);
  await world.devchain.setProducing(false);
});
afterEach(async () => {
  world.devchain.clearFaults();
  await world.killAll();
});
afterAll(() => world.stop());

const request = () => {
  const [number, units] = [++next, 5n];
  const to = payee(0x7000 + number);
  return { id: world.books.request(number, Asset.TRC20_BTT, to, units), to, units };
};
type Payout = ReturnType<typeof request>;

/** Runs and ticks until all is paid. */
const pay = (parts: Parts, payouts: readonly Payout[]) =>
  tickUntil(world, parts, async () => {
    await parts.runs.run();
    return payouts.every(({ id }) => world.books.stateOf(id) === 'SOLIDIFIED');
  });

/** The batches of these payouts in their order: how many payees, and how they ended. */
async function batchesOf(parts: Parts, payouts: readonly Payout[]): Promise<string[]> {
  const ids = payouts.map(({ id }) => Buffer.from(id, 'hex'));
  const rows = await parts.database.sql<{ told: string }[]>`
    select concat(b.payouts, case b.state when 5 then ' paid' when 6 then ' failed' end, ', ',
      (select count(*) from settlement.batch_seals s where s.batch_no = b.batch_no and ended),
      ' end sealed') as told
    from settlement.batches b where exists (
      select from settlement.batch_payouts l
      where l.batch_no = b.batch_no and l.withdrawal_id in ${parts.database.sql(ids)})
    order by b.batch_no`;
  return rows.map(({ told }) => told);
}

const moments = ['before', 'inside', 'after'] as const;
/** Each with the pass in which it is about a half. */
const points: readonly [keyof Parts, string, number][] = [
  ['steps', 'fail', 1],
  ['batches', 'plan', 2],
  ['steps', 'sign', 2],
  ['steps', 'sign', 3],
  ['steps', 'finish', 1],
  ['steps', 'finish', 2],
];

/** A process that is killed while it pays five, and one that pays them to the end: each of them once. */
async function paidAfterDeath(arm: (dying: Parts) => void) {
  const payouts = Array.from({ length: 5 }, request);
  const dying = world.boot();
  arm(dying);
  await expect(pay(dying, payouts)).rejects.toThrow(Killed);
  await world.kill(dying);
  const parts = world.boot();
  await pay(parts, payouts);
  for (const { to, units } of payouts) expect((await world.trc20Of(to)) / UNIT).toBe(units);
  return { parts, payouts };
}

describe('a process killed while a failed batch is paid in halves', () => {
  const cases = points.flatMap(([part, method, pass]) =>
    moments.map((when) => [when, part, method, pass] as const),
  );
  it.each(cases)('%s %s.%s, call %i, pays everybody once', async (when, part, method, pass) => {
    world.devchain.arm({ kind: 'fail-call', result: 'OUT_OF_TIME' });
    const { parts, payouts } = await paidAfterDeath((dying) =>
      killAt(dying[part] as object, method, when, pass),
    );
    expect(await batchesOf(parts, payouts)).toEqual([
      '5 failed, 1 end sealed',
      '3 paid, 1 end sealed',
      '2 paid, 1 end sealed',
    ]);
    expect(
      await parts.database.sql`
      select sum(failures)::int as failures from settlement.payouts`,
    ).toEqual([{ failures: 0 }]);
  });

  it.each(moments)('%s a half fails, too, pays everybody once', async (when) => {
    world.devchain.arm({ kind: 'fail-call', result: 'OUT_OF_ENERGY' }, 2);
    const { parts, payouts } = await paidAfterDeath((dying) =>
      killAt(dying.steps, 'fail', when, 2),
    );
    expect(await batchesOf(parts, payouts)).toEqual([
      '5 failed, 1 end sealed',
      '3 failed, 1 end sealed',
      '2 paid, 1 end sealed',
      '2 paid, 1 end sealed',
      '1 paid, 1 end sealed',
    ]);
  });
});

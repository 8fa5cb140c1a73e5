import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Parts } from '../src/parts.js';
import { type Claimable, ClaimsKit } from './claims.kit.js';
import { Killed, killAt } from './kill.js';
import { tick, World } from './world.js';

let world: World;
let kit: ClaimsKit;
beforeAll(async () => {
  world = await World.start();
  kit = new ClaimsKit(world, 0x4000);
  await world.fillReserves(1_000_000n);
  // One block a round, so that every step is taken whatever else the machine does.
  await world.devchain.setProducing(false);
});
afterEach(() => world.killAll());
afterAll(() => world.stop());

/** Steps on the way to claimable, and on the way from there to the end. */
const COMMIT: readonly [keyof Parts, string][] = [
  ['batches', 'plan'],
  ['steps', 'fixDeadline'],
  ['steps', 'sign'],
  ['chain', 'broadcast'],
  ['steps', 'broadcast'],
  ['steps', 'confirm'],
  ['steps', 'finish'],
  ['scans', 'advance'],
  ['payouts', 'reported'],
];
const END: readonly [keyof Parts, string][] = [
  ['scans', 'advance'],
  ['claims', 'payClaimed'],
  ['releaseSteps', 'sign'],
  ['chain', 'broadcast'],
  ['releaseSteps', 'broadcast'],
  ['releaseSteps', 'confirm'],
  ['claims', 'release'],
  ['books', 'advanceWithdrawal'],
  ['payouts', 'reported'],
];
const cases = (points: typeof COMMIT) =>
  points.flatMap(([part, method]) =>
    (['before', 'after'] as const).map((when) => [when, part, method] as const),
  );

/** Works until it is killed. */
async function untilKilled(work: () => Promise<void>): Promise<void> {
  await expect(work()).rejects.toThrow(Killed);
}

/** One of two is claimed, the other goes back. */
async function expectEnds(parts: Parts, [taken, left]: readonly [Claimable, Claimable]) {
  await kit.until(parts, [taken], 'SOLIDIFIED');
  await kit.until(parts, [left], 'REFUNDED');
  await kit.idle(parts);
  expect([await kit.paid(taken), await kit.paid(left)]).toEqual([taken.units, 0n]);
  const rows = await parts.database.sql`
    select from settlement.payouts where state = 8 or report_state <> reported_state`;
  expect(rows).toHaveLength(0);
}

/** Claims while no block comes by itself. */
async function claim(parts: Parts, asked: Claimable): Promise<void> {
  await world.devchain.setProducing(true);
  await kit.claim(parts, asked);
  await world.devchain.setProducing(false);
}

describe('a process killed', () => {
  it.each(cases(COMMIT))('%s %s.%s commits claims once', async (when, part, method) => {
    const both = [kit.ask(5n), kit.ask(6n)] as const;
    const free = await kit.free();
    const dying = kit.boot();
    killAt(dying[part] as object, method, when);
    await untilKilled(() => kit.committed(dying, both));
    await world.kill(dying);
    const parts = kit.boot();
    await kit.committed(parts, both);
    expect(await kit.free()).toBe(free - 11n);
    await claim(parts, both[0]);
    await kit.until(parts, both.slice(0, 1), 'SOLIDIFIED');
    await kit.pass(parts, both[1]);
    await expectEnds(parts, both);
    expect(await kit.free()).toBe(free - 5n);
    await world.kill(parts);
  });

  it.each(cases(END))('%s %s.%s pays or gives back, once', async (when, part, method) => {
    const both = [kit.ask(7n), kit.ask(8n)] as const;
    const free = await kit.free();
    const dying = kit.boot();
    await kit.committed(dying, both);
    const deadlineMs = await kit.deadlineMs(dying, both[1]);
    await claim(dying, both[0]);
    killAt(dying[part] as object, method, when);
    await untilKilled(async () => {
      // The claim is read on the way, and the release follows.
      for (let round = 0; round < 8; round++) await tick(world, dying);
      await world.devchain.mine(1, deadlineMs + 1_000);
      await kit.until(dying, both.slice(1), 'REFUNDED');
    });
    await world.kill(dying);
    const parts = kit.boot();
    if (world.devchain.headTimestampMs <= deadlineMs) {
      await world.devchain.mine(1, deadlineMs + 1_000);
    }
    await expectEnds(parts, both);
    expect(await kit.free()).toBe(free - 7n);
    await world.kill(parts);
  });

  it('while another believes to lead as well: each withdrawal ends once', async () => {
    const both = [kit.ask(9n), kit.ask(10n)] as const;
    const free = await kit.free();
    const leaders = [kit.boot(), kit.boot()];
    for (const { leader } of leaders) leader.isLeader = async () => true;
    await Promise.allSettled(leaders.map(({ runs }) => runs.run()));
    await leaders[0]!.runs.run();
    const ticks = async (state: string, all: readonly Claimable[]) => {
      for (let round = 0; round < 80; round++) {
        if (all.every((each) => kit.stateOf(each) === state)) return;
        await Promise.all(leaders.map((parts) => tick(world, parts)));
      }
      expect(all.map((each) => kit.stateOf(each))).toEqual(all.map(() => state));
    };
    await ticks('CLAIMABLE', both);
    await claim(leaders[0]!, both[0]);
    await ticks('SOLIDIFIED', both.slice(0, 1));
    await kit.pass(leaders[0]!, both[1]);
    await ticks('REFUNDED', both.slice(1));
    await expectEnds(leaders[1]!, both);
    expect(await kit.free()).toBe(free - 9n);
    for (const parts of leaders) await world.kill(parts);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoodPayer } from './good-payer.js';
import { H2_ATTACKS } from './h2-attacks.js';
import { Rig } from './rig.js';

// Attacks on HTTP/2 itself, against a process of its own. What they need is written by hand, since no proper client does it.

const MIB = 1_048_576;
/** More than the process takes when nobody attacks it, while an attack goes on. */
const GROWTH_BYTES_MAX = 192 * MIB;
/** What an attack may leave that the same attack before it has not left already … */
const LEFT_RATIO_MAX = 0.1;
/** … at the latest after so many: what it takes must have an end. */
const ROUNDS_MAX = 5;
/** For a good payment, while attackers and all servers share two cores. */
const ANSWER_WITHIN_MS = 10_000;
let rig: Rig;
/** What rested before the attack. */
let calmBytes: number;
let payers = 0;

async function goodTraffic(during: () => Promise<unknown>): Promise<GoodPayer> {
  const good = new GoodPayer(rig, (1n << 51n) + BigInt(payers), payers++);
  good.start(20);
  await during();
  await good.stop();
  return good;
}

/** True when the last attack has left no more than the one before it, as a part of what rested at first. */
function isFlat(restingBytes: readonly number[]): boolean {
  const [first = 0] = restingBytes;
  const [before, last] = restingBytes.slice(-2);
  if (before === undefined || last === undefined) return false;
  return (last - before) / first < LEFT_RATIO_MAX;
}

beforeAll(async () => {
  rig = await Rig.start();
  await goodTraffic(() => sleep(2_000));
  // Opening streams by the thousand takes memory once and for all. What counts is that this has an end: from
  // here on nothing may take much more.
  for (let round = 0; round < 3; round++) await H2_ATTACKS['rapid reset']?.(rig.ingest.grpcPort);
  calmBytes = await rig.ingest.restingBytes();
});
afterAll(async () => {
  expect(await rig.stop()).toBe(0);
});

describe('a real ingest', () => {
  it.each(Object.entries(H2_ATTACKS))('stands %s', async (name, attack) => {
    let mostBytes = 0;
    const watch = setInterval(() => {
      mostBytes = Math.max(mostBytes, rig.ingest.residentBytes());
    }, 50);
    const restingBytes: number[] = [];
    let slowestMs = 0;
    try {
      for (let round = 0; round < ROUNDS_MAX && !isFlat(restingBytes); round++) {
        const good = await goodTraffic(() => attack(rig.ingest.grpcPort));
        expect(rig.ingest.death).toBeUndefined();
        expect(good.complaints).toEqual([]);
        expect(good.accepted).toBeGreaterThan(0);
        slowestMs = Math.max(slowestMs, good.slowestMs);
        restingBytes.push(await rig.ingest.restingBytes());
      }
    } finally {
      clearInterval(watch);
    }
    const mib = (bytes: number) => Math.round(bytes / MIB);
    const figures = `calm ${mib(calmBytes)} MiB, most ${mib(mostBytes)}, after each ${restingBytes.map(mib).join(', ')}, slowest good answer ${Math.round(slowestMs)} ms`;
    if (process.env.HOSTILE_FIGURES) process.stdout.write(`FIGURES ${name}: ${figures}\n`);
    expect(mostBytes - calmBytes, figures).toBeLessThan(GROWTH_BYTES_MAX);
    expect(isFlat(restingBytes), figures).toBe(true);
    expect(slowestMs, figures).toBeLessThan(ANSWER_WITHIN_MS);
    const after = await goodTraffic(() => sleep(300));
    expect(after.complaints).toEqual([]);
    expect(after.retries).toBe(0);
    calmBytes = restingBytes.at(-1) ?? calmBytes;
    expect(rig.audit.complaints).toEqual([]);
  });
});

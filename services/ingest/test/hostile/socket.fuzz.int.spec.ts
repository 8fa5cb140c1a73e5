import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { DIGESTS } from '../factory.js';
import { fuzzOptions, socketShare } from './fuzz-options.js';
import { GoodPayer } from './good-payer.js';
import { H2_ATTACKS } from './h2-attacks.js';
import { Payers } from './payers.js';
import { Planner } from './plans.js';
import { Random } from './random.js';
import { Rig } from './rig.js';
import { HostileScene } from './scene.js';
import { SocketPlayer } from './socket-player.js';

// The dear part of the fuzz: frames, headers and messages over sockets to a process of its own, with a real Kafka behind it.

const PLAYERS = 16;
/** By how much a share of the cases may make memory grow, at the latest in the last of so many: growth must have an end. */
const GROWTH_RATIO_MAX = 1.05;
const ROUNDS_MAX = 4;
// Numbers of channels that no other test has.
const FIRST_NO = 1n << 50n;
const { cases, seed } = fuzzOptions();
const share = socketShare(cases);
let rig: Rig;

beforeAll(async () => {
  // All players are of one host: what one does wrong is not to hide the next case of another from the core.
  rig = await Rig.start({ PROXY_ADDRESSES: '127.0.0.1' });
});
afterAll(async () => {
  expect(await rig.stop()).toBe(0);
});

it(
  `a real ingest stands ${share} hostile calls of seed ${seed} and serves good ones meanwhile`,
  async () => {
    const good = new GoodPayer(rig, FIRST_NO - 1n, seed);
    good.start(20);
    const players = Array.from({ length: PLAYERS }, (_, number) => {
      const random = new Random(seed, 10_000 + number);
      const firstNo = FIRST_NO + (BigInt(number) << 20n);
      const payers = new Payers(random, DIGESTS, firstNo, rig.bundles);
      const scene = new HostileScene(random, payers, BigInt(Date.now()), rig, rig.audit);
      const planner = new Planner(random, payers, DIGESTS);
      return { scene, player: new SocketPlayer(rig.ingest.grpcPort, scene, planner) };
    });
    const play = async (until: number) => {
      let left = until;
      await Promise.all(
        players.map(async ({ player }, number) => {
          for (let played = 0; left > 0; played++) {
            left--;
            await player.play().catch(async (error: Error) => {
              left = 0;
              // A process that dies takes all its calls with it: the last words are what counts.
              await sleep(500);
              if (rig.ingest.death !== undefined) throw new Error(rig.ingest.death);
              const where = `seed ${seed}, player ${number}, case ${played}`;
              throw new Error(`${where}: ${error.message}`, { cause: error });
            });
            if (rig.ingest.death !== undefined) throw new Error(rig.ingest.death);
          }
        }),
      );
    };
    // Memory that streams and odd messages take once, the allocator keeps: it is taken before growth is measured.
    for (let round = 0; round < 3; round++) await H2_ATTACKS['rapid reset']?.(rig.ingest.grpcPort);
    await play(Math.ceil(share * 0.4));
    const restingBytes = [await rig.ingest.restingBytes()];
    const growth = () =>
      1 + ((restingBytes.at(-1) ?? 0) - (restingBytes.at(-2) ?? 0)) / (restingBytes[0] ?? 1);
    do {
      await play(Math.floor(share * 0.6));
      restingBytes.push(await rig.ingest.restingBytes());
    } while (growth() >= GROWTH_RATIO_MAX && restingBytes.length <= ROUNDS_MAX);
    for (const { player } of players) player.end();
    await good.stop();
    expect(rig.ingest.death).toBeUndefined();
    expect(good.complaints).toEqual([]);
    expect(good.accepted).toBeGreaterThan(20);
    expect(players.reduce((sum, { player }) => sum + player.goodCalls, 0)).toBeGreaterThan(
      (share * (0.4 + 0.6 * (restingBytes.length - 1))) / 6,
    );
    expect(growth(), restingBytes.join(', ')).toBeLessThan(GROWTH_RATIO_MAX);
    // Nothing is left of those who went away: no payments, and no hold on a channel.
    await eventually(async () => {
      const page = await rig.ingest.metrics();
      expect(page).toMatch(/ingest_in_flight_items\{.*\} 0\n/);
      expect(page).toMatch(/ingest_channels_held\{.*\} 0\n/);
    });
    // Every receipt stands in the log.
    await eventually(() => {
      for (const { channel } of players.flatMap(({ scene }) => scene.named)) {
        if (channel === undefined) continue;
        const logged = rig.audit.logged.get(channel) ?? 0n;
        expect(logged).toBeGreaterThanOrEqual(channel.facts.acceptedUnits);
      }
    });
    expect(rig.audit.complaints).toEqual([]);
  },
  cases * 3 + 120_000,
);

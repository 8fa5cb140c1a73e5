import { describe, expect, it } from 'vitest';
import { DIGESTS } from '../factory.js';
import { Fixture } from '../fixture.js';
import { LogAudit } from './audit.js';
import { CorePlayer } from './core-player.js';
import { fuzzOptions, socketShare } from './fuzz-options.js';
import { Payers } from './payers.js';
import { Random } from './random.js';

// Nearly all of the fuzz: bytes of messages through decoding, streams and core, with real signatures; the log and
// the books are in memory. The rest goes over sockets, in socket.fuzz.int.spec.ts.

const PLAYERS = 32;
const { cases, seed } = fuzzOptions();
const share = cases - socketShare(cases);

/** Many players on one core, and the audit of its log. */
async function playAll(fixture: Fixture, count: number) {
  const bundles = new Set<string>();
  const audit = new LogAudit(bundles, () => fixture.clock.nowMs());
  fixture.log.append = (records) => {
    for (const record of records.values()) audit.record(record);
    return Promise.resolve(new Map([...records.keys()].map((part) => [part, 1n])));
  };
  const players = Array.from({ length: PLAYERS }, (_, number) => {
    const random = new Random(seed, number);
    const payers = new Payers(random, DIGESTS, BigInt(number) << 40n, bundles);
    return new CorePlayer(fixture, random, payers, audit);
  });
  let left = count;
  await Promise.all(
    players.map(async (player, number) => {
      for (let played = 0; left > 0; played++) {
        left--;
        await player.play().catch((error: Error) => {
          left = 0;
          const where = `seed ${seed}, player ${number}, case ${played}`;
          throw new Error(`${where}: ${error.message}`, { cause: error });
        });
      }
      player.end();
    }),
  );
  return { audit, receipts: players.reduce((sum, player) => sum + player.receipts, 0) };
}

describe('the core under hostile messages', () => {
  it(
    `accepts nothing that no payer signed, in ${share} cases of seed ${seed}`,
    async () => {
      const fixture = new Fixture();
      const { audit, receipts } = await playAll(fixture, share);
      expect(audit.complaints).toEqual([]);
      // The players are no good when most of what they send falls at the first hurdle.
      expect(receipts).toBeGreaterThan(share / 10);
      expect(audit.entries).toBeGreaterThan(share / 20);
      expect(fixture.meter.itemsInFlight).toBe(0);
    },
    cases * 5 + 60_000,
  );

  it('would not get away with a proof that is not checked', async () => {
    const fixture = new Fixture();
    fixture.verifier.verify = (batch) => Promise.resolve(new Uint8Array(batch.size).fill(1));
    await expect(playAll(fixture, 2_000)).rejects.toThrow(/no payer signed|accepted were/);
  });

  it('would not get away with a deposit that is not looked at', async () => {
    const fixture = new Fixture();
    fixture.table.depositUnits = () => 2n ** 62n;
    await expect(playAll(fixture, 4_000)).rejects.toThrow(/ABOVE_DEPOSIT|accepted were/);
  });
});

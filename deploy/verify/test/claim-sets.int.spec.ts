import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { claimData } from '#libs/tron';
import { withdrawalMessage } from '../../../services/balance/src/application/events.js';
import { value } from '../../../services/balance/test/ledger.kit.js';
import { claimOf } from '../../../services/settlement/src/domain/claims.js';
import type { Parts } from '../../../services/settlement/src/parts.js';
import { tickUntil } from '../../../services/settlement/test/world.js';
import { VerifiedWorld } from './verified-world.js';

// Two claim sets: of one a line was claimed and a line went back, the other still waits.

const HOURS_25 = '90000000';
let on: VerifiedWorld;
let parts: Parts;

beforeAll(async () => {
  on = await VerifiedWorld.start();
  const clock = () => BigInt(on.world.devchain.headTimestampMs);
  parts = on.world.boot({ CLAIM_WINDOW_MS: HOURS_25 }, undefined, clock);
  const [taken, left] = [await ask(), await ask()];
  await settled([taken, left], 'CLAIMABLE');
  await claim(taken);
  await settled([taken], 'SOLIDIFIED');
  await on.world.passTime(91_000_000);
  await settled([left], 'REFUNDED');
  await settled([await ask()], 'CLAIMABLE');
  while ((await on.kit.use.sealing.round()) > 0);
});
afterAll(() => on?.stop());

/** A withdrawal of Anna's that she fetches. */
async function ask(): Promise<Buffer> {
  const { kit, world, anna } = on;
  const id = randomBytes(32);
  value(await kit.withdraw(anna, 1_000n, id, Asset.TRC20_BTT, true));
  const stored = (await kit.repositories.withdrawals.find(id))!;
  const pace = { periodMs: 60_000n, payoutsPerRun: 100n };
  world.books.withdrawals.set(id.toString('hex'), withdrawalMessage(stored, pace, kit.clock()));
  return id;
}

/** Has settlement bring withdrawals into a state, and the real ledger follow the fake one. */
async function settled(ids: readonly Buffer[], state: string): Promise<void> {
  const { books } = on.world;
  await parts.runs.run();
  const isThere = (id: Buffer) => books.stateOf(id.toString('hex')) === state;
  await tickUntil(on.world, parts, () => ids.every(isThere), 90_000);
  for (const id of ids) {
    const {
      withdrawalId,
      state: reached,
      failure,
      note,
    } = books.withdrawals.get(id.toString('hex'))!;
    const [row] = await parts.database.sql<{ txid: string }[]>`
      select report_txid as txid from settlement.payouts where withdrawal_id = ${id}`;
    const report = { withdrawalId, state: reached, failure, txid: row?.txid ?? '', note };
    value(await on.kit.use.advance.advance(report));
  }
}

async function claim(id: Buffer): Promise<void> {
  const found = (await parts.claims.lineOf(id))!;
  const lines = await parts.steps.lines(found.batchNo);
  const { leaf, proof } = claimOf(found.chainBatchId, lines, found.line);
  await on.world.faucet.trigger(on.world.place.vaultAddress, claimData(leaf, proof));
}

/** Changes something by hand, tells what verify says of it, and changes it back. */
async function changed(table: string, change: string, back: string): Promise<unknown> {
  await on.owner.sql.unsafe(`update ${table} set ${change}`);
  const { difference } = await on.verify();
  await on.owner.sql.unsafe(`update ${table} set ${back}`);
  return difference?.table;
}

describe('verify of claim sets', () => {
  it('finds nothing when nobody has touched them', async () => {
    const { difference, checks } = await on.verify();
    expect(difference).toBeUndefined();
    const rows = Object.fromEntries(checks.map(({ name, rows: count }) => [name, count]));
    expect(rows).toMatchObject({ 'Claim sets': 2, 'Claims on chain': 1 });
  });

  it.each([
    ['settlement.claimed_lines', 'txid = set_byte(txid, 0, get_byte(txid, 0) # 1)'],
    ['settlement.claimed_lines', 'block_number = block_number # 1'],
    ['settlement.claimed_lines', 'line = line # 1'],
    ['settlement.claimed_lines', 'booked = not booked'],
    [
      'settlement.claim_releases',
      'chain_batch_id = set_byte(chain_batch_id, 0, get_byte(chain_batch_id, 0) # 1)',
    ],
    ['settlement.release_attempts', 'raw = set_byte(raw, 0, get_byte(raw, 0) # 1)'],
    ['settlement.release_attempts', 'outcome = outcome # 1'],
    ['settlement.claim_sets', 'attempts = attempts # 1'],
    ['settlement.batches', 'claimable_until_s = claimable_until_s # 1'],
  ])('finds a change of %s: %s', async (table, flip) => {
    expect(await changed(table, flip, flip)).toMatch(/^(settlement|ledger)\./);
    expect((await on.verify()).difference).toBeUndefined();
  });

  it('finds a payout that counts as paid though nobody claimed it', async () => {
    const where = 'where state = 8';
    const { sql } = on.owner;
    const [waiting] = await sql.unsafe(
      `select withdrawal_id as id from settlement.payouts ${where}`,
    );
    const ofIt = `where withdrawal_id = '\\x${waiting!.id.toString('hex')}'`;
    await sql.unsafe(`update settlement.payouts set state = 4 ${ofIt}`);
    expect((await on.verify()).difference?.table).toMatch(/^settlement\./);
    await sql.unsafe(`update settlement.payouts set state = 8 ${ofIt}`);
    expect((await on.verify()).difference).toBeUndefined();
  });
});

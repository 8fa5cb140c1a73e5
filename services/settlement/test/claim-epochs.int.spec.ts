import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SnapshotLiabilitiesResponse, WithdrawalState } from '#libs/contracts';
import { callData, readUints } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { type Claimable, ClaimsKit } from './claims.kit.js';
import { payee, tick, World } from './world.js';

// Epochs around a claim set; what the ledger owes is played by the fake books.

const { SOLIDIFIED, REFUNDED } = WithdrawalState;
const ANNA = payee(0x1fff);
let world: World;
let kit: ClaimsKit;
beforeAll(async () => {
  world = await World.start();
  kit = new ClaimsKit(world, 0x6000);
  await world.fillReserves(1_000_000n);
});
afterAll(() => world.stop());

/** Anna's 100 units, withdrawals that are open, and what went back to those who had asked. */
function owe(): void {
  const all = [...world.books.withdrawals.values()];
  const open = all.filter(({ state }) => state !== SOLIDIFIED && state !== REFUNDED);
  const accounts = all
    .map(({ account, amountUnits, state }) => {
      return { account, units: state === REFUNDED ? amountUnits : 0n };
    })
    .concat({ account: ANNA, units: 100n })
    .toSorted((a, b) => (a.account < b.account ? -1 : 1));
  const sum = (units: readonly bigint[]) => units.reduce((total, each) => total + each, 0n);
  const head = {
    atMs: 1n,
    flushNos: Array.from({ length: 9 }, () => 0n),
    operations: [7n],
    availableUnits: sum(accounts.map(({ units }) => units)),
    heldUnits: 0n,
    inChannelsUnits: 0n,
    withdrawingUnits: sum(open.map(({ amountUnits }) => amountUnits)),
  };
  const pieces: SnapshotLiabilitiesResponse['piece'][] = [
    { $case: 'head', value: head },
    { $case: 'withdrawals', value: { withdrawals: open } },
    { $case: 'accounts', value: { accounts } },
    { $case: 'channels', value: { channels: [] } },
  ];
  world.books.liabilities = pieces.map((piece) => ({ piece }));
}

async function until(parts: Parts, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 600; round++) {
    if (await holds()) return;
    owe();
    await parts.epochDriver.round();
    await tick(world, parts);
  }
  throw new Error(`still not so: ${(await parts.status.read()).paused}`);
}

/** The newest committed epoch: its total on chain, and whether it has a leaf for the withdrawal's line. */
async function newest(parts: Parts, { id }: Claimable) {
  const epoch = (await parts.epochs.find(undefined))!;
  const call = callData('epochs(uint64)', [epoch.epochNo]);
  const [, total = 0n] = readUints(await world.chain.view(world.place.vaultAddress, call), 3);
  const [row] = await parts.database.sql<{ inTree: boolean }[]>`
    select in_tree as "inTree" from settlement.epoch_payouts
    where epoch_no = ${epoch.epochNo} and withdrawal_id = ${Buffer.from(id, 'hex')}`;
  return { epochNo: epoch.epochNo, total, inTree: row?.inTree };
}

it('a claim set is a line until it is committed, in no leaf while it is claimable, and in its account when it goes back', async () => {
  const parts = kit.boot({ EPOCH_PERIOD_MS: '3600000', EPOCH_PAUSE_MS: '0' });
  const asked = kit.ask(40n);
  expect(await parts.runs.run()).toMatchObject({ ok: true });
  await kit.idle(parts);
  expect((await parts.batches.list(undefined, 1))[0]).toMatchObject({ attempts: 0 });

  await until(parts, async () => (await parts.batches.list(undefined, 1))[0]!.attempts > 0);
  const before = await newest(parts, asked);
  expect(before).toMatchObject({ total: 140n, inTree: true });

  await until(parts, () => kit.stateOf(asked) === 'CLAIMABLE');
  await until(parts, async () => (await newest(parts, asked)).epochNo > before.epochNo);
  const during = await newest(parts, asked);
  expect(during).toMatchObject({ total: 100n, inTree: false });

  await kit.pass(parts, asked);
  await until(parts, () => kit.stateOf(asked) === 'REFUNDED');
  await until(parts, async () => (await newest(parts, asked)).total === 141n);
  expect(await newest(parts, asked)).toMatchObject({ inTree: undefined });
});

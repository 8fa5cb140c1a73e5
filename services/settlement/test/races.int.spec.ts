import { setImmediate } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Asset, type SnapshotLiabilitiesResponse } from '#libs/contracts';
import { ChainWallet, callData, KeySigner } from '#libs/tron';
import { BATCH } from '../src/domain/states.js';
import type { Parts } from '../src/parts.js';
import { HOT_WALLET_KEY, payee, scan, tick, tickUntil, UNIT, World } from './world.js';

// Two processes that both believe to lead, one of which acts on what it has read too long ago.

let world: World;
beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000n);
  await world.devchain.setProducing(false);
});
afterAll(() => world.stop());

/** A payout that is signed and sent by `parts`. */
async function sent(parts: Parts, number: number, asset: Asset) {
  const to = payee(0x3000 + number);
  const id = world.books.request(number, asset, to, 7n);
  await parts.runs.run();
  await scan(parts);
  await parts.driver.round();
  await parts.driver.round();
  return { to, isPaid: () => world.books.stateOf(id) === 'SOLIDIFIED' };
}

it('a transaction that was read after its batch is not dead because its time is over', async () => {
  const [slow, other] = [world.boot(), world.boot()];
  const { to, isPaid } = await sent(slow, 1, Asset.TRC10_BTTOLD);
  await world.devchain.mine();
  await world.passTime(60_000);
  await world.solidify();
  // The rows are from before the other one reads the chain to its end, the answer about the cursor from after that.
  const { steps, scans, chain } = slow;
  const [open, cursor] = [steps.open.bind(steps), scans.cursor.bind(scans)];
  let opening: Promise<unknown> | undefined;
  steps.open = (limit) => {
    const rows = open(limit).then(async (found) => {
      await scan(other);
      return found;
    });
    opening = rows;
    return rows;
  };
  scans.cursor = async () => {
    await setImmediate();
    await opening;
    return cursor();
  };
  // A node that lies, or has no index: nothing may depend on it.
  chain.isSolidified = async () => false;
  await slow.driver.round();
  expect(await other.database.sql`select outcome from settlement.attempts`).toEqual([
    { outcome: 0 },
  ]);
  await world.kill(slow);
  await tickUntil(world, other, isPaid);
  expect(await world.trc10Of(to)).toBe(7n);
  await world.kill(other);
});

it('a transaction of a former key that nobody has read yet is not dead because its time is over', async () => {
  const former = world.boot();
  const { to, isPaid } = await sent(former, 5, Asset.TRC10_BTTOLD);
  await world.devchain.mine();
  await world.passTime(60_000);
  await world.solidify();
  await world.kill(former);
  const signer = new KeySigner('0d'.repeat(32));
  await world.operate(signer.address);
  const latter = world.boot({}, signer);
  latter.chain.isSolidified = async () => false;
  await scan(latter);
  await latter.driver.round();
  expect(isPaid()).toBe(false);
  await tickUntil(world, latter, isPaid);
  expect(
    await latter.database.sql`
    select a.attempt, a.outcome from settlement.attempts a order by a.batch_no desc limit 1`,
  ).toEqual([{ attempt: 1, outcome: 1 }]);
  expect(await world.trc10Of(to)).toBe(7n);
  await world.kill(latter);
  await world.operate(world.place.hotWalletAddress);
});

it('a former wallet that nobody has noted is known by what it has signed', async () => {
  const { hotWalletAddress, trc10Id } = world.place;
  const owner = postgres(world.database.url, { max: 1 });
  await owner`delete from settlement.hot_wallets`;
  await owner.end();
  const signer = new KeySigner('0d'.repeat(32));
  await world.operate(signer.address);
  const latter = world.boot({}, signer);
  await scan(latter);
  expect((await latter.hotWallets.list()).map(({ address }) => address)).toEqual([
    hotWalletAddress,
    signer.address,
  ]);
  const former = new ChainWallet({ url: world.devchain.url, timeoutMs: 5_000 }, HOT_WALLET_KEY);
  const sent = former.sendTrc10(trc10Id, signer.address, 1n);
  await world.mineUntil(sent);
  await scan(latter);
  await latter.booking.round();
  expect(world.books.creditedTo(hotWalletAddress)).toBe(0n);
  await world.kill(latter);
  await world.operate(hotWalletAddress);
});

it('a batch that was signed anew meanwhile is not given up', async () => {
  const [hasty, patient] = [world.boot({ ATTEMPTS_MAX: '1' }), world.boot()];
  world.devchain.arm({ kind: 'drop' });
  const { to, isPaid } = await sent(hasty, 2, Asset.TRC20_BTT);
  await world.passTime(60_000);
  await world.solidify();
  await scan(hasty);
  const fail = hasty.steps.fail.bind(hasty.steps);
  hasty.steps.fail = async (...asked) => {
    for (let round = 0; round < 4; round++) await patient.driver.round();
    return fail(...asked);
  };
  await hasty.driver.round();
  await hasty.runs.run();
  await world.kill(hasty);
  await patient.runs.run();
  await tickUntil(world, patient, isPaid);
  for (let ticks = 0; ticks < 6; ticks++) await tick(world, patient);
  expect((await world.trc20Of(to)) / UNIT).toBe(7n);
  await world.kill(patient);
});

it('an epoch that was signed anew meanwhile is not given up', async () => {
  const epochs = { EPOCH_PERIOD_MS: '3600000', EPOCH_PAUSE_MS: '0' };
  const [hasty, patient] = [world.boot({ ...epochs, ATTEMPTS_MAX: '1' }), world.boot(epochs)];
  world.books.liabilities = owing(payee(0x4000), 5n);
  await scan(hasty);
  world.devchain.arm({ kind: 'drop' });
  for (const step of ['made', 'signed', 'sent']) {
    expect(await hasty.epochDriver.round(), step).toBe(true);
  }
  await world.passTime(60_000);
  await world.solidify();
  await scan(hasty);
  const end = hasty.epochSteps.end.bind(hasty.epochSteps);
  hasty.epochSteps.end = async (...asked) => {
    for (const step of ['dead', 'signed', 'sent']) {
      expect(await patient.epochDriver.round(), step).toBe(true);
    }
    return end(...asked);
  };
  await hasty.epochDriver.round();
  await world.kill(hasty);
  const epoch = () => patient.epochs.find(1n);
  for (let round = 0; round < 20 && (await epoch())?.state !== BATCH.solidified; round++) {
    await tick(world, patient);
    await patient.epochDriver.round();
  }
  expect(await epoch()).toMatchObject({ state: BATCH.solidified, failure: '' });
  expect((await committed(1n)).equals((await epoch())?.root as Buffer)).toBe(true);
  await world.kill(patient);
});

/** A ledger that owes this to one account and nothing else. */
function owing(account: string, units: bigint): SnapshotLiabilitiesResponse[] {
  const none = { heldUnits: 0n, inChannelsUnits: 0n, withdrawingUnits: 0n };
  const flushNos = Array.from({ length: 9 }, () => 0n);
  const head = { ...none, atMs: 1n, flushNos, operations: [7n], availableUnits: units };
  const accounts = [{ account, units }];
  return [
    { piece: { $case: 'head', value: head } },
    { piece: { $case: 'accounts', value: { accounts } } },
  ];
}

/** The root of an epoch on the chain. */
async function committed(epochNo: bigint): Promise<Buffer> {
  const data = callData('epochs(uint64)', [epochNo]);
  return Buffer.from(await world.chain.view(world.place.vaultAddress, data)).subarray(0, 32);
}

import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Asset, type SnapshotLiabilitiesResponse } from '#libs/contracts';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { Digests, foldProof, toHex } from '#libs/domain';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { callData } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { payee, scan, tick, UNIT, World } from './world.js';

// Epochs over a real chain and database; what the ledger owes is played by the fake books.

const EPOCHS = { EPOCH_PERIOD_MS: '3600000', EPOCH_PAUSE_MS: '0', EPOCHS_KEPT: '2' };
const [ANNA, BERT] = [keyPairOf(randomBytes(32)), keyPairOf(randomBytes(32))];
const CHANNEL = randomBytes(32);

let world: World;

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000_000n);
});
afterEach(() => world.killAll());
afterAll(() => world.stop());

type Owed = { anna: bigint; bert: bigint; channel?: bigint; withdrawals?: string[] };

/** What the ledger would tell; sums are right unless changed. */
function owe({ anna, bert, channel = 0n, withdrawals = [] }: Owed, off = 0n): void {
  const open = withdrawals.map((id) => world.books.withdrawals.get(id)!);
  const withdrawing = open.reduce((sum, { amountUnits }) => sum + amountUnits, 0n);
  const owners = [...new Set(open.map(({ account }) => account))];
  const accounts = [
    { account: ANNA.address, units: anna },
    { account: BERT.address, units: bert },
    ...owners.map((account) => ({ account, units: 0n })),
  ].toSorted((a, b) => (a.account < b.account ? -1 : 1));
  const head = {
    atMs: 1n,
    flushNos: Array.from({ length: 9 }, () => 0n),
    operations: [7n],
    availableUnits: anna + bert + off,
    heldUnits: 0n,
    inChannelsUnits: channel,
    withdrawingUnits: withdrawing,
  };
  const ends = { payer: ANNA.address, payee: BERT.address };
  const channels = [{ channelId: CHANNEL, ...ends, bookedUnits: 5n, remainingUnits: channel }];
  const pieces: SnapshotLiabilitiesResponse['piece'][] = [
    { $case: 'head', value: head },
    { $case: 'withdrawals', value: { withdrawals: open } },
    { $case: 'accounts', value: { accounts } },
    { $case: 'channels', value: { channels: channel === 0n ? [] : channels } },
  ];
  world.books.liabilities = pieces.map((piece) => ({ piece }));
}

async function chainEpoch(number: bigint) {
  const answer = await world.chain.view(
    world.place.vaultAddress,
    callData('epochs(uint64)', [number]),
  );
  const words = Buffer.from(answer);
  return {
    root: words.subarray(0, 32).toString('hex'),
    total: BigInt(`0x${words.subarray(32, 64).toString('hex')}`),
  };
}

async function committed(parts: Parts, after = 0n): Promise<bigint> {
  for (let round = 0; round < 400; round++) {
    const found = await parts.epochs.find(undefined);
    if (found !== undefined && found.epochNo > after) return found.epochNo;
    await parts.epochDriver.round();
    await tick(world, parts);
  }
  throw new Error(`no epoch after ${after} was committed: ${parts.epochDriver.paused}`);
}

function session(parts: Parts, keys: KeyPair, digestsOf = world.place): Metadata {
  const digests = new Digests({
    chainId: BigInt(digestsOf.chainId),
    vaultAddress: digestsOf.vaultAddress,
  });
  const validUntilMs = parts.clock() + 60_000n;
  const signature = sign(digests.session(keys.address, validUntilMs), keys.privateKey);
  const metadata = new Metadata();
  metadata.set(SESSION_TRAILER, formatSession({ account: keys.address, validUntilMs, signature }));
  return metadata;
}

describe('an epoch', () => {
  it('commits root and total to the chain, and gives each owner a proof that leads there', async () => {
    owe({ anna: 100n, bert: 23n, channel: 7n });
    const parts = world.boot(EPOCHS);
    const number = await committed(parts);
    const onChain = await chainEpoch(number);
    expect(onChain.total).toBe(130n);
    for (const [keys, channelId, units] of [
      [ANNA, Buffer.alloc(0), 100n],
      [BERT, Buffer.alloc(0), 23n],
      [ANNA, CHANNEL, 7n],
      [BERT, CHANNEL, 7n],
    ] as const) {
      const proven = await parts.proofs.prove(session(parts, keys), number, channelId);
      if (!proven.ok) throw new Error(proven.detail);
      const { leaf, proof } = proven.value;
      const reached = foldProof(leaf, proof);
      expect(toHex(reached?.root ?? new Uint8Array())).toBe(onChain.root);
      expect(reached?.totalUnits).toBe(onChain.total);
      expect(Buffer.from(leaf).readBigUInt64BE(leaf.length - 8)).toBe(units);
    }
  });

  it('is proven to nobody else', async () => {
    const parts = world.boot(EPOCHS);
    const stranger = keyPairOf(randomBytes(32));
    const asStranger = session(parts, stranger);
    const none = Buffer.alloc(0);
    for (const [metadata, epoch, channel, reason] of [
      [new Metadata(), 0n, none, 'UNAUTHENTICATED'],
      [session(parts, ANNA, { ...world.place, chainId: '7' }), 0n, none, 'UNAUTHENTICATED'],
      [asStranger, 0n, none, 'NOT_FOUND'],
      [asStranger, 0n, CHANNEL, 'NOT_FOUND'],
      [session(parts, ANNA), 99n, none, 'NOT_FOUND'],
      [session(parts, ANNA), 0n, Buffer.alloc(31), 'MALFORMED'],
    ] as const) {
      expect(await parts.proofs.prove(metadata, epoch, channel)).toMatchObject({ reason });
    }
  });

  it('is not committed when rows and sums differ, or when more is owed than there is', async () => {
    const parts = world.boot({ ...EPOCHS, EPOCH_PERIOD_MS: '1' });
    const before = await parts.epochs.find(undefined);
    owe({ anna: 100n, bert: 23n }, 1n);
    await scan(parts);
    await parts.epochDriver.round();
    expect(parts.epochDriver.paused).toMatch(
      /rows of accounts add up to 123 units, the journal to 124/,
    );
    owe({ anna: 1_999_999n, bert: 2n });
    await parts.epochDriver.round();
    expect(parts.epochDriver.paused).toMatch(/2000001 units are owed and 2000000 are there/);
    expect((await parts.status.read()).paused).toMatch(/2000001 units are owed/);
    // Whatever else stands in the way is told, too.
    owe({ anna: 1n, bert: 2n });
    const path = '/walletsolidity/triggerconstantcontract';
    world.devchain.arm({ kind: 'http-error', path, status: 503 }, 100);
    await expect(parts.epochDriver.round()).rejects.toThrow();
    expect(parts.epochDriver.paused).toMatch(/^no epoch is committed: .*503/);
    world.devchain.clearFaults();
    owe({ anna: -1n, bert: 2n });
    await parts.epochDriver.round();
    expect(parts.epochDriver.paused).toMatch(/owns -1 units/);
    expect((await parts.epochs.find(undefined))?.epochNo).toBe(before?.epochNo);
    expect(await parts.epochSteps.open()).toBeUndefined();
    owe({ anna: 1_999_998n, bert: 2n });
    await committed(parts, before?.epochNo);
    expect(parts.epochDriver.paused).toBe('');
  });

  it('is carried on by the next process, wherever the last one died', async () => {
    owe({ anna: 50n, bert: 50n });
    const before = (await world.boot(EPOCHS).epochs.find(undefined))?.epochNo ?? 0n;
    await world.killAll();
    let rounds = 0;
    // Each round of the driver is its process's last.
    for (let done = false; !done; rounds++) {
      if (rounds > 400) throw new Error('no epoch was committed');
      const parts = world.boot({ ...EPOCHS, EPOCH_PERIOD_MS: '1' });
      const open = await parts.epochSteps.open();
      const newest = await parts.epochs.find(undefined);
      done = newest !== undefined && newest.epochNo > before;
      if (!done && (open !== undefined || rounds === 0)) await parts.epochDriver.round();
      await scan(parts);
      await world.devchain.mine();
      await world.kill(parts);
    }
    const parts = world.boot(EPOCHS);
    const epoch = await parts.epochs.find(undefined);
    expect(epoch?.epochNo).toBe(before + 1n);
    expect(await chainEpoch(before + 1n)).toEqual({
      root: epoch?.root.toString('hex'),
      total: 100n,
    });
    const [attempts] = await parts.database.sql`
      select count(*)::int as count from settlement.epoch_attempts where epoch_no = ${before + 1n}`;
    expect(attempts).toEqual({ count: 1 });
  });

  it('keeps the leaves of the newest ones only', async () => {
    const parts = world.boot({ ...EPOCHS, EPOCH_PERIOD_MS: '1' });
    await committed(parts, (await parts.epochs.find(undefined))?.epochNo);
    const [kept] = await parts.database.sql`
      select count(distinct build_no)::int as builds from settlement.epoch_leaves`;
    expect(kept?.builds).toBeLessThanOrEqual(3);
    const first = await parts.proofs.prove(session(parts, ANNA), 1n, Buffer.alloc(0));
    expect(first).toMatchObject({ reason: 'NOT_FOUND' });
  });
});

/** Rounds of everything until a condition holds. */
async function until(parts: Parts, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (await holds()) return;
    await parts.epochDriver.round();
    await tick(world, parts);
  }
  throw new Error(`still not so: ${(await parts.status.read()).paused}`);
}

const isSigned = async (parts: Parts, id: string) => {
  const [row] = await parts.database.sql`
    select from settlement.attempts a join settlement.batch_payouts l using (batch_no)
    where l.withdrawal_id = ${Buffer.from(id, 'hex')}`;
  return row !== undefined;
};

const newest = async (parts: Parts) => (await parts.epochs.find(undefined))?.epochNo ?? 0n;

describe('a batch of the vault', () => {
  it('is sent only when its lines have leaves in a committed epoch, and another epoch follows it', async () => {
    const parts = world.boot(EPOCHS);
    const before = await newest(parts);
    const id = world.books.request(901, Asset.TRC20_BTT, payee(901), 40n);
    owe({ anna: 50n, bert: 50n, withdrawals: [id] });
    expect(await parts.runs.run()).toMatchObject({ ok: true, value: [{ payouts: 1 }] });
    for (let round = 0; round < 5; round++) await tick(world, parts);
    expect(await isSigned(parts, id)).toBe(false);
    await until(parts, () => isSigned(parts, id));
    const covering = await newest(parts);
    expect(covering).toBe(before + 1n);
    const [line] = await parts.database.sql`
      select in_tree from settlement.epoch_payouts where epoch_no = ${covering}`;
    expect(line).toEqual({ in_tree: true });
    expect((await chainEpoch(covering)).total).toBe(140n);
    for (let round = 0; round < 200; round++) {
      if (world.books.stateOf(id) === 'SOLIDIFIED') break;
      await tick(world, parts);
    }
    expect(world.books.stateOf(id)).toBe('SOLIDIFIED');
    owe({ anna: 50n, bert: 50n });
    const after = await committed(parts, covering);
    expect((await chainEpoch(after)).total).toBe(100n);
  });

  it('is given up when the ledger has ended a withdrawal of it, and asks for no further epoch', async () => {
    const parts = world.boot(EPOCHS);
    const before = await newest(parts);
    const ended = world.books.request(903, Asset.TRC20_BTT, payee(903), 40n);
    const open = world.books.request(904, Asset.TRC20_BTT, payee(904), 20n);
    expect(await parts.runs.run()).toMatchObject({ ok: true, value: [{ payouts: 2 }] });
    world.books.skipTo(ended, 'REFUNDED');
    owe({ anna: 50n, bert: 50n, withdrawals: [open] });
    const passing = await committed(parts, before);
    for (let round = 0; round < 30; round++) {
      await parts.epochDriver.round();
      await tick(world, parts);
    }
    expect(await newest(parts)).toBe(passing);
    expect(await parts.epochSteps.open()).toBeUndefined();
    const [batch] = await parts.database.sql`
      select b.state, b.failure from settlement.batches b join settlement.batch_payouts l
        using (batch_no) where l.withdrawal_id = ${Buffer.from(ended, 'hex')}`;
    expect(batch).toEqual({ state: 6, failure: expect.stringMatching(/no longer counted/) });
    // The next run asks the ledger about each: one is an operator's, the other is paid.
    expect(await parts.runs.run()).toMatchObject({ ok: true, value: [{ payouts: 1 }] });
    await until(parts, () => world.books.stateOf(open) === 'SOLIDIFIED');
    expect((await parts.status.read()).heldPayouts).toBe(1n);
    expect(await world.trc20Of(payee(903))).toBe(0n);
    expect(await world.trc20Of(payee(904))).toBe(20n * UNIT);
  });
});

describe('a TRC-10 payout', () => {
  it('is signed only when the last epoch no longer lets its owner leave with its units', async () => {
    const id = world.books.request(902, Asset.TRC10_BTTOLD, payee(902), 30n);
    owe({ anna: 50n, bert: 50n, withdrawals: [id] });
    const eager = world.boot({ ...EPOCHS, EPOCH_PERIOD_MS: '1' });
    const old = await committed(eager, await newest(eager));
    expect((await chainEpoch(old)).total).toBe(131n);
    await world.kill(eager);
    const parts = world.boot(EPOCHS);
    await parts.runs.run();
    await until(parts, () => isSigned(parts, id));
    const number = await newest(parts);
    expect(await chainEpoch(number + 1n)).toMatchObject({ total: 0n });
    expect((await chainEpoch(number)).total).toBe(100n);
    const [away] = await parts.database.sql`
      select in_tree from settlement.epoch_payouts where epoch_no = ${number}`;
    expect(away).toEqual({ in_tree: false });
    await until(parts, () => world.books.stateOf(id) === 'SOLIDIFIED');
    expect(await world.trc10Of(payee(902))).toBe(30n);
  });

  it('waits with the reason in sight while no epoch can be committed', async () => {
    const parts = world.boot(EPOCHS);
    const id = world.books.request(905, Asset.TRC10_BTTOLD, payee(905), 30n);
    owe({ anna: 1_999_999n, bert: 50n, withdrawals: [id] });
    await parts.runs.run();
    for (let round = 0; round < 10; round++) {
      await tick(world, parts);
      await parts.epochDriver.round();
    }
    expect(await isSigned(parts, id)).toBe(false);
    expect((await parts.status.read()).paused).toMatch(/no epoch is committed: .* units are owed/);
    owe({ anna: 50n, bert: 50n, withdrawals: [id] });
    await until(parts, () => world.books.stateOf(id) === 'SOLIDIFIED');
    expect((await parts.status.read()).paused).toBe('');
  });

  it('keeps its owner in the tree while nothing is there to pay it with', async () => {
    const parts = world.boot(EPOCHS);
    const id = world.books.request(906, Asset.TRC10_BTTOLD, payee(906), 1_500_000n);
    owe({ anna: 50n, bert: 50n, withdrawals: [id] });
    await parts.runs.run();
    for (let round = 0; round < 3; round++) await tick(world, parts);
    expect((await parts.status.read()).paused).toMatch(/reserve of TRC10_BTTOLD is short/);
    const [batch] = await parts.database.sql<{ at: bigint }[]>`
      select max(planned_at_ms) as at from settlement.batches`;
    expect(parts.driver.shortSinceMs).toEqual(new Map([['TRC10_BTTOLD', batch?.at]]));
    const eager = world.boot({ ...EPOCHS, EPOCH_PERIOD_MS: '1' });
    const number = await committed(eager, await newest(eager));
    await world.kill(eager);
    expect((await chainEpoch(number)).total).toBe(1_500_101n);
    await world.fillReserves(1_000_000n);
    await until(parts, () => world.books.stateOf(id) === 'SOLIDIFIED');
    expect(parts.driver.shortSinceMs.size).toBe(0);
    expect((await chainEpoch(await newest(parts))).total).toBe(100n);
  });
});

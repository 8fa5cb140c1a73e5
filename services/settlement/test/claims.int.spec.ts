import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { keyPairOf } from '#libs/crypto';
import { toHex } from '#libs/domain';
import { callData, claimData, claimSetOf } from '#libs/tron';
import { BATCH } from '../src/domain/states.js';
import { ClaimsKit } from './claims.kit.js';
import { World } from './world.js';

let world: World;
let kit: ClaimsKit;
beforeAll(async () => {
  world = await World.start();
  kit = new ClaimsKit(world);
  await world.fillReserves(1_000_000n);
});
afterEach(async () => {
  await world.devchain.setProducing(true);
  await world.killAll();
});
afterAll(() => world.stop());

describe('a withdrawal that its payee claims', () => {
  it('is reserved beside others that are sent, claimed with a proof, and paid', async () => {
    const parts = kit.boot();
    const claims = [kit.ask(5n), kit.ask(6n), kit.ask(7n)];
    const sent = [kit.ask(8n, false), kit.ask(9n, false, Asset.TRC10_BTTOLD)];
    const free = await kit.free();
    const run = await parts.runs.run();
    const planned = run.ok ? run.value : [];
    expect(planned.map(({ asset, payouts, toClaim }) => [asset, payouts, toClaim])).toEqual([
      [Asset.TRC20_BTT, 1, false],
      [Asset.TRC20_BTT, 3, true],
      [Asset.TRC10_BTTOLD, 1, false],
    ]);
    await kit.until(parts, sent, 'SOLIDIFIED');
    await kit.until(parts, claims, 'CLAIMABLE');
    expect(await Promise.all(claims.map((each) => kit.paid(each)))).toEqual([0n, 0n, 0n]);
    expect(await kit.free()).toBe(free - 8n - 18n);
    const [set] = await parts.batches.find([planned[1]!.batchNo]);
    expect(set).toMatchObject({ state: BATCH.solidified, toClaim: true });
    const { note } = world.books.withdrawals.get(claims[0]!.id)!;
    const until = new Date(Number(set!.claimableUntilS) * 1_000).toISOString();
    expect(note).toContain(`can be claimed until ${until}`);
    expect((await parts.status.read()).claimablePayouts).toBe(3n);

    const { leaf, proof, root, totalUnits } = await kit.proofOf(parts, claims[0]!);
    const onChain = await claimSetOf(world.chain, world.place.vaultAddress, set!.chainBatchId!);
    expect(onChain).toMatchObject({
      root: toHex(root),
      totalUnits,
      claimableUntilS: set!.claimableUntilS,
      claimedUnits: 0n,
    });
    // The payee itself, from its own TRX; the others by somebody else.
    const own = await world.customer(0x10_000 + 0x2001);
    expect(own.address).toBe(claims[0]!.to);
    const txid = await own.trigger(world.place.vaultAddress, claimData(leaf, proof));
    await kit.until(parts, claims.slice(0, 1), 'SOLIDIFIED');
    expect(world.books.withdrawals.get(claims[0]!.id)).toMatchObject({ txid });
    expect(claims.map((each) => kit.stateOf(each))).toEqual([
      'SOLIDIFIED',
      'CLAIMABLE',
      'CLAIMABLE',
    ]);
    for (const each of claims.slice(1)) await kit.claim(parts, each);
    await kit.until(parts, claims, 'SOLIDIFIED');
    expect(await Promise.all(claims.map((each) => kit.paid(each)))).toEqual([5n, 6n, 7n]);
    // Nothing is left to be released.
    await world.passTime(91_000_000);
    await kit.idle(parts);
    expect(await kit.releases(parts)).toBe(0);
    expect(await kit.free()).toBe(free - 8n - 18n);
  });

  it('is paid once, however often it is claimed', async () => {
    const parts = kit.boot();
    const asked = kit.ask(11n);
    await kit.committed(parts, [asked]);
    const { leaf, proof } = await kit.proofOf(parts, asked);
    const call = claimData(leaf, proof);
    await world.faucet.trigger(world.place.vaultAddress, call);
    await expect(world.faucet.trigger(world.place.vaultAddress, call)).rejects.toThrow();
    await kit.until(parts, [asked], 'SOLIDIFIED');
    await kit.idle(parts);
    expect(await kit.paid(asked)).toBe(11n);
    const rows = await parts.database.sql`select from settlement.claimed_lines c
      join settlement.batches b using (chain_batch_id)
      join settlement.batch_payouts l on l.batch_no = b.batch_no and l.line = c.line
      where l.withdrawal_id = ${Buffer.from(asked.id, 'hex')}`;
    expect(rows).toHaveLength(1);
  });

  it('goes back once when nobody claims it, after the release and not before', async () => {
    const parts = kit.boot();
    const free = await kit.free();
    const [taken, left] = [kit.ask(20n), kit.ask(30n)];
    await kit.committed(parts, [taken, left]);
    await kit.claim(parts, taken);
    await kit.until(parts, [taken], 'SOLIDIFIED');
    await kit.idle(parts);
    expect(kit.stateOf(left)).toBe('CLAIMABLE');
    expect(await kit.free()).toBe(free - 50n);
    const before = await kit.releases(parts);
    await kit.pass(parts, left);
    await kit.until(parts, [left], 'REFUNDED');
    expect(world.books.withdrawals.get(left.id)?.failure).toBe('nobody claimed it in time');
    expect(await kit.free()).toBe(free - 20n);
    await kit.idle(parts);
    expect(await kit.releases(parts)).toBe(before + 1);
    expect([await kit.paid(taken), await kit.paid(left)]).toEqual([20n, 0n]);
  });

  it('is proven to its owner only, while it can be claimed', async () => {
    const parts = kit.boot();
    const asked = kit.ask(12n);
    const other = kit.ask(13n);
    const id = Buffer.from(asked.id, 'hex');
    const prove = async (metadata: Metadata, of: Uint8Array = id) => {
      const answer = await parts.claimProofs.prove(metadata, of);
      return answer.ok ? 'proven' : answer.reason;
    };
    expect(await prove(kit.session(parts, asked))).toBe('NOT_FOUND');
    await kit.committed(parts, [asked, other]);
    expect(await prove(kit.session(parts, asked))).toBe('proven');
    expect(await prove(new Metadata())).toBe('UNAUTHENTICATED');
    const stranger = keyPairOf(randomBytes(32));
    expect(await prove(kit.session(parts, asked, stranger.privateKey))).toBe('UNAUTHENTICATED');
    expect(await prove(kit.session(parts, other))).toBe('NOT_FOUND');
    expect(await prove(kit.session(parts, asked), randomBytes(32))).toBe('NOT_FOUND');
    expect(await prove(kit.session(parts, asked), randomBytes(31))).toBe('MALFORMED');
    await kit.claim(parts, asked);
    await kit.until(parts, [asked], 'SOLIDIFIED');
    expect(await prove(kit.session(parts, asked))).toBe('NOT_FOUND');
    await kit.claim(parts, other);
    await kit.until(parts, [other], 'SOLIDIFIED');
  });
});

describe('a claim and a release at the same time', () => {
  /** Puts a stranger's release and a claim, in this order, into one block of that time. */
  const inOneBlock = async (leaf: Uint8Array, proof: Uint8Array, atMs: number) => {
    const { vaultAddress: contract } = world.place;
    await world.devchain.setProducing(false);
    await world.devchain.mine(1, atMs - 20_000);
    const id = `0x${toHex(leaf.subarray(1, 33))}`;
    for (const data of [callData('releaseClaims(bytes32)', [id]), claimData(leaf, proof)]) {
      await world.faucet.submit({ kind: 'trigger', contract, data }, 1_000_000_000n);
    }
    await world.devchain.mine(1, atMs);
    expect(world.devchain.headTimestampMs).toBe(atMs);
    await world.devchain.setProducing(true);
  };

  it('in the last second the claim wins, and only the rest goes back', async () => {
    const parts = kit.boot();
    const [taken, left] = [kit.ask(21n), kit.ask(31n)];
    await kit.committed(parts, [taken, left]);
    const { leaf, proof, claimableUntilMs } = await kit.proofOf(parts, taken);
    const before = await kit.releases(parts);
    await inOneBlock(leaf, proof, Number(claimableUntilMs) + 999);
    await kit.until(parts, [taken], 'SOLIDIFIED');
    await kit.until(parts, [left], 'REFUNDED');
    expect(await kit.releases(parts)).toBe(before + 1);
    expect([await kit.paid(taken), await kit.paid(left)]).toEqual([21n, 0n]);
  });

  it('a second later the release wins, and all goes back, whoever has released', async () => {
    const parts = kit.boot();
    const asked = [kit.ask(22n), kit.ask(32n)];
    await kit.committed(parts, asked);
    const free = await kit.free();
    const { leaf, proof, claimableUntilMs } = await kit.proofOf(parts, asked[0]!);
    const before = await kit.releases(parts);
    await inOneBlock(leaf, proof, Number(claimableUntilMs) + 1_000);
    await world.solidify();
    while (await parts.watcher.round());
    await kit.until(parts, asked, 'REFUNDED');
    await kit.idle(parts);
    expect(await kit.releases(parts)).toBe(before);
    expect(await Promise.all(asked.map((each) => kit.paid(each)))).toEqual([0n, 0n]);
    expect(await kit.free()).toBe(free + 54n);
  });
});

describe('a claim set', () => {
  it('that cannot be committed is planned again with its deadline anew', async () => {
    const parts = kit.boot();
    const asked = kit.ask(14n);
    world.devchain.arm({ kind: 'fail-call', result: 'REVERT' }, 1);
    const run = await parts.runs.run();
    const { batchNo } = run.ok ? run.value[0]! : { batchNo: 0n };
    const stateOf = async () => (await parts.batches.find([batchNo]))[0]!.state;
    for (let round = 0; round < 200 && (await stateOf()) !== BATCH.failed; round++) {
      await kit.idle(parts);
    }
    expect(await stateOf()).toBe(BATCH.failed);
    await kit.committed(parts, [asked]);
    await kit.claim(parts, asked);
    await kit.until(parts, [asked], 'SOLIDIFIED');
    expect(await kit.paid(asked)).toBe(14n);
  });

  it('keeps its deadline when its transaction is lost, and waits for approval when it is large', async () => {
    const parts = kit.boot({ APPROVAL_UNITS: '100' });
    const asked = kit.ask(100n);
    world.devchain.arm({ kind: 'drop' }, 100);
    const run = await parts.runs.run();
    const { batchNo } = run.ok ? run.value[0]! : { batchNo: 0n };
    const found = async () => (await parts.batches.find([batchNo]))[0]!;
    await kit.idle(parts);
    expect(await found()).toMatchObject({ state: BATCH.planned, claimableUntilS: null });
    await parts.approvals.decide({ batchNo, approve: true, operator: 'ann', note: '' });
    await kit.idle(parts);
    const { claimableUntilS } = await found();
    expect(claimableUntilS).not.toBeNull();
    world.devchain.clearFaults();
    await world.passTime(21_000);
    await kit.until(parts, [asked], 'CLAIMABLE');
    expect(await found()).toMatchObject({ attempts: 2, claimableUntilS });
    await kit.claim(parts, asked);
    await kit.until(parts, [asked], 'SOLIDIFIED');
  });

  it('that is not released says why, and is released once that is mended', async () => {
    const parts = kit.boot({ ATTEMPTS_MAX: '1' });
    const asked = kit.ask(15n);
    await kit.committed(parts, [asked]);
    world.devchain.arm({ kind: 'fail-call', result: 'OUT_OF_ENERGY' }, 1);
    await kit.pass(parts, asked);
    for (let round = 0; round < 200 && parts.claimDriver.paused === ''; round++) {
      await kit.idle(parts);
    }
    expect((await parts.status.read()).paused).toContain('are not released: given up after 1');
    expect(kit.stateOf(asked)).toBe('CLAIMABLE');
    const patient = kit.boot({ ATTEMPTS_MAX: '2' });
    await world.kill(parts);
    await kit.until(patient, [asked], 'REFUNDED');
    expect(patient.claimDriver.paused).toBe('');
  });
});

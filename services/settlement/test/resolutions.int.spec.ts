import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DepositState, type ResolveDepositRequest } from '#libs/contracts';
import { INTERNAL_TOKEN_TRAILER, RefusedError } from '#libs/grpc';
import { abiAddress, type ChainWallet, callData, type Deployable } from '#libs/tron';
import { compileFile } from '../../../contracts/src/compiler.js';
import {
  DepositOperatorController,
  DepositUseCases,
} from '../src/grpc/deposit-operator.controller.js';
import type { Parts } from '../src/parts.js';
import { scan, TOKEN, UNIT, World } from './world.js';

// What waits for an operator, and what an operator may do about it.

let world: World;
let parts: Parts;
let alice: ChainWallet;
let forwarder: string;
let operator: DepositOperatorController;

const boot = () => {
  parts = world.boot();
  operator = new DepositOperatorController(
    new DepositUseCases(parts.depositResolutions, parts.foreignTokens, TOKEN),
  );
};
const internal = (token = TOKEN) => {
  const metadata = new Metadata();
  metadata.set(INTERNAL_TOKEN_TRAILER, token);
  return metadata;
};

beforeAll(async () => {
  world = await World.start();
  boot();
  alice = await world.customer(0xa11ce, 1_000n * UNIT, 1_000n);
  const hostile = compileFile(`${import.meta.dirname}/../../../contracts/test/HostileTokens.sol`);
  forwarder = await world.faucet.deploy(hostile.get('Forwarder') as Deployable, Buffer.alloc(0));
  await world.faucet.sendTrc20(world.place.trc20Address, forwarder, 500n * UNIT);
});
afterAll(() => world.stop());

const settle = async () => {
  await world.solidify();
  await scan(parts);
  await parts.booking.round();
};
const find = async (txid: Buffer) => (await parts.deposits.find(txid))[0];
/** A deposit from a contract: booked, and nobody's. */
const inSuspense = async (units: bigint) => {
  const { trc20Address, vaultAddress } = world.place;
  const txid = await alice.trigger(
    forwarder,
    callData('forward(address,address,uint256)', [
      ...[abiAddress(trc20Address), abiAddress(vaultAddress), units * UNIT],
    ]),
  );
  await settle();
  return Buffer.from(txid, 'hex');
};
const misdirected = async (units: bigint) => {
  const { trc20Address, hotWalletAddress } = world.place;
  const txid = await alice.sendTrc20(trc20Address, hotWalletAddress, units * UNIT);
  await settle();
  return Buffer.from(txid, 'hex');
};
const request = (
  txid: Buffer,
  decision: ResolveDepositRequest['decision'],
  change: Partial<ResolveDepositRequest> = {},
): ResolveDepositRequest => ({
  resolutionId: randomBytes(32),
  ...{ txid, index: 0, decision, reason: 'ticket 12', operator: 'olga' },
  ...change,
});
const creditTo = (value: string) => ({ $case: 'creditAccount', value }) as const;
const DISMISS = { $case: 'dismiss', value: true } as const;
const resolve = (asked: ResolveDepositRequest) => operator.resolveDeposit(asked, internal());
const reasonOf = (answer: Promise<unknown>) =>
  answer.then(
    () => 'accepted',
    (error: unknown) => (error instanceof RefusedError ? error.refusal.reason : String(error)),
  );

describe('a deposit in suspense', () => {
  it('is credited to the account that an operator names, once', async () => {
    const bob = await world.customer(0xb01);
    const txid = await inSuspense(3n);
    const asked = request(txid, creditTo(bob.address));
    const answers = await Promise.all(Array.from({ length: 5 }, () => resolve(asked)));
    expect(answers.filter(({ repeatedRequest }) => !repeatedRequest)).toHaveLength(1);
    expect((await resolve(asked)).deposit).toMatchObject({
      ...{ state: DepositState.CREDITED, account: bob.address, amountUnits: 3n, note: '' },
    });
    await settle();
    expect(world.books.creditedTo(bob.address)).toBe(3n);
    const rows = await parts.database.sql`
      select operator, reason, account from settlement.resolutions where txid = ${txid}`;
    expect(rows).toEqual([{ operator: 'olga', reason: 'ticket 12', account: bob.address }]);
  });

  it('has one owner when two operators decide at the same time', async () => {
    const people = [await world.customer(0xb02), await world.customer(0xb03)];
    const txid = await inSuspense(4n);
    const reasons = await Promise.all(
      people.map(({ address }) => reasonOf(resolve(request(txid, creditTo(address))))),
    );
    expect(reasons.sort()).toEqual(['NOT_FOUND', 'accepted']);
    const credited = people.map(({ address }) => world.books.creditedTo(address));
    expect(credited.reduce((sum, units) => sum + units, 0n)).toBe(4n);
  });

  it('is booked later when the books do not answer, also by another process', async () => {
    const bob = await world.customer(0xb04);
    const txid = await inSuspense(5n);
    world.books.failing = 1;
    const answer = await resolve(request(txid, creditTo(bob.address)));
    expect(answer.deposit?.state).toBe(DepositState.RESOLVING);
    expect(world.books.creditedTo(bob.address)).toBe(0n);
    await world.kill(parts);
    boot();
    await parts.booking.round();
    await parts.booking.round();
    expect(await find(txid)).toMatchObject({ state: 2, account: bob.address });
    expect(world.books.creditedTo(bob.address)).toBe(5n);
  });

  it('stays there, with the reason, when the books refuse', async () => {
    const [bob, other] = [await world.customer(0xb05), await world.customer(0xb06)];
    const txid = await inSuspense(6n);
    // The books know more than this database, which is older: it is in somebody's balance.
    const booked = world.books.deposits.get(`${txid.toString('hex')}:0`);
    Object.assign(booked ?? {}, { account: other.address, suspense: false });
    const answer = await resolve(request(txid, creditTo(bob.address)));
    expect(answer.deposit).toMatchObject({
      state: DepositState.SUSPENSE,
      note: expect.stringContaining('ID_REUSED'),
    });
    expect(world.books.creditedTo(bob.address)).toBe(0n);
    const right = await resolve(request(txid, creditTo(other.address)));
    expect(right.deposit?.state).toBe(DepositState.CREDITED);
    expect(world.books.creditedTo(other.address)).toBe(6n);
  });

  it('cannot be dismissed: it is booked', async () => {
    expect(await reasonOf(resolve(request(await inSuspense(1n), DISMISS)))).toBe('NOT_PERMITTED');
  });
});

describe('a deposit that is not booked', () => {
  it('is credited in full to the account named, or dismissed with the reason', async () => {
    const bob = await world.customer(0xb07);
    const [kept, dropped] = [await misdirected(7n), await misdirected(8n)];
    const credited = await resolve(request(kept, creditTo(bob.address)));
    expect(credited.deposit).toMatchObject({ state: DepositState.CREDITED, amountUnits: 7n });
    const asked = request(dropped, DISMISS, { reason: 'sent back by hand' });
    for (const repeatedRequest of [false, true]) {
      expect(await resolve(asked)).toMatchObject({
        ...{ repeatedRequest, deposit: { state: DepositState.DISMISSED, note: asked.reason } },
      });
    }
    await settle();
    expect(world.books.creditedTo(bob.address)).toBe(7n);
    expect(world.books.creditedTo(alice.address)).toBe(0n);
    expect(await reasonOf(resolve(request(dropped, creditTo(bob.address))))).toBe('NOT_FOUND');
  });

  it('that the books refused is held, and credited when they take it', async () => {
    world.books.refusing = alice.address;
    const { trc10Id, hotWalletAddress } = world.place;
    const txid = Buffer.from(await alice.sendTrc10(trc10Id, hotWalletAddress, 9n), 'hex');
    await settle();
    expect(await find(txid)).toMatchObject({ state: 5, note: 'MALFORMED: told to refuse' });
    const again = await resolve(request(txid, creditTo(alice.address)));
    expect(again.deposit).toMatchObject({ state: DepositState.HELD });
    world.books.refusing = '';
    const taken = await resolve(request(txid, creditTo(alice.address)));
    expect(taken.deposit).toMatchObject({ state: DepositState.CREDITED, amountUnits: 9n });
    expect(world.books.creditedTo(alice.address)).toBe(9n);
  });

  it('that the books would not even take into suspense can still be credited, or dismissed', async () => {
    const bob = await world.customer(0xb08);
    world.books.refusing = forwarder;
    const [kept, dropped] = [await inSuspense(3n), await inSuspense(2n)];
    world.books.refusing = '';
    for (const txid of [kept, dropped]) expect(await find(txid)).toMatchObject({ state: 5 });
    const taken = await resolve(request(kept, creditTo(bob.address)));
    expect(taken.deposit).toMatchObject({ state: DepositState.CREDITED, amountUnits: 3n });
    expect(world.books.creditedTo(bob.address)).toBe(3n);
    const gone = await resolve(request(dropped, DISMISS));
    expect(gone.deposit).toMatchObject({ state: DepositState.DISMISSED });
  });
});

describe('a resolution', () => {
  it('is refused, each with its reason, when anything about it is wrong', async () => {
    const txid = await misdirected(2n);
    const { address } = alice;
    const asked = (change: Partial<ResolveDepositRequest>) =>
      reasonOf(resolve(request(txid, creditTo(address), change)));
    expect(await asked({ txid: randomBytes(32) })).toBe('NOT_FOUND');
    expect(await asked({ index: 1 })).toBe('NOT_FOUND');
    expect(await asked({ decision: undefined })).toBe('MALFORMED');
    expect(await asked({ decision: { $case: 'dismiss', value: false } })).toBe('MALFORMED');
    expect(await asked({ decision: creditTo(world.place.vaultAddress) })).toBe('MALFORMED');
    expect(await asked({ reason: '' })).toBe('MALFORMED');
    expect(await asked({ operator: '' })).toBe('MALFORMED');
    expect(await asked({ resolutionId: randomBytes(16) })).toBe('MALFORMED');
    const refused = operator.resolveDeposit(request(txid, DISMISS), internal('guess'));
    expect(await reasonOf(refused)).toBe('UNAUTHENTICATED');
    expect(await find(txid)).toMatchObject({ state: 6 });

    const first = request(txid, DISMISS);
    await resolve(first);
    const other = { ...first, decision: creditTo(address) };
    expect(await reasonOf(resolve(other))).toBe('ID_REUSED');
    expect(await reasonOf(resolve({ ...first, txid: await misdirected(1n) }))).toBe('ID_REUSED');
  });

  it('can be changed by nobody', async () => {
    const { sql } = parts.database;
    await expect(sql`update settlement.resolutions set reason = 'x'`).rejects.toThrow('permission');
    await expect(sql`delete from settlement.resolutions`).rejects.toThrow('permission');
  });
});

describe('the list of foreign tokens', () => {
  it('comes in pages, newest first, for the cluster only', async () => {
    const { sql } = parts.database;
    const [address] = [alice.address];
    await sql`insert into settlement.foreign_tokens (token, recipient, transfers, last_txid,
        last_sender, last_base_units, last_block, first_seen_at_ms)
      select n::text, ${address}, 1, ${Buffer.alloc(32)}, ${address}, n, n, 0
      from generate_series(1, 3) n`;
    const page = (cursor: string, limit: number, token = TOKEN) =>
      operator.listForeignTokens({ page: { cursor, limit } }, internal(token));
    const first = await page('', 2);
    expect(first.tokens.map(({ token }) => token)).toEqual(['3', '2']);
    const second = await page(first.nextCursor, 2);
    expect(second).toMatchObject({ tokens: [{ token: '1', lastBaseUnits: '1' }], nextCursor: '' });
    expect(await reasonOf(page('nonsense', 2))).toBe('BAD_CURSOR');
    expect(await reasonOf(page('', 2, 'guess'))).toBe('UNAUTHENTICATED');
    const dismiss = (token: string, recipient: string) =>
      operator.dismissForeignToken({ token, recipient }, internal());
    for (let at = 0; at < 2; at++) expect(await dismiss('2', address)).toEqual({});
    expect((await page('', 9)).tokens.map(({ token }) => token)).toEqual(['3', '1']);
    expect(await reasonOf(dismiss('9', address))).toBe('NOT_FOUND');
  });
});

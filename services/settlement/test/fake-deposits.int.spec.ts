import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { TRC10_LOOKALIKE_ID } from '#libs/devchain';
import {
  abiAddress,
  buildTransaction,
  type ChainWallet,
  callData,
  type Deployable,
  KeySigner,
  signedTransactionHex,
  txidOf,
} from '#libs/tron';
import { compileFile } from '../../../contracts/src/compiler.js';
import { DEPOSIT } from '../src/domain/states.js';
import type { Parts } from '../src/parts.js';
import { scan, UNIT, World } from './world.js';

// Everything that looks like a deposit and is none, sent on one chain and read in one go. A transfer by the
// TVM itself (`transferToken`), rejected or not, is in no log and no call: see libs/tron/src/block.spec.ts.

const SOME_FEE = 1_000_000_000n;
const ALICE = 0xa11ce;
let world: World;
let parts: Parts;
let alice: ChainWallet;
let forwarder: string;
let lookalikeToken: string;
let lookalikeVault: string;
const sent = new Map<string, string>();

type Fake = {
  readonly name: string;
  readonly send: () => Promise<string>;
  /** What is kept of it; nothing unless it says so. Never a credit. */
  readonly state?: number;
};

const trc20 = () => world.place.trc20Address;
const vault = () => world.place.vaultAddress;
const transferData = (to: string, baseUnits: bigint) =>
  callData('transfer(address,uint256)', [abiAddress(to), baseUnits]);
const trigger = (contract: string, data: Uint8Array) =>
  ({ kind: 'trigger', contract, data }) as const;
const failing = async (contract: string, data: Uint8Array, feeLimitSun = SOME_FEE) => {
  const txid = await alice.submit(trigger(contract, data), feeLimitSun);
  await expect(alice.waitFor(txid)).rejects.toThrow('failed');
  return txid;
};

const FAKES: readonly Fake[] = [
  {
    name: 'a transfer of more than the sender has, which reverts',
    send: () => failing(trc20(), transferData(vault(), 10n ** 40n)),
  },
  {
    name: 'a transfer that runs out of energy',
    send: () => failing(trc20(), transferData(vault(), 5n * UNIT), 10_000n),
  },
  {
    name: 'a real transfer, undone at the end of the call that made it',
    send: () =>
      failing(
        forwarder,
        callData('forwardAndFail(address,address,uint256)', [
          abiAddress(trc20()),
          abiAddress(vault()),
          UNIT,
        ]),
      ),
  },
  {
    name: 'another TRC-10 token to the hot wallet',
    send: () => alice.sendTrc10(TRC10_LOOKALIKE_ID, world.place.hotWalletAddress, 50n),
  },
  {
    name: 'a TRC-20 token of the same name and symbol to the vault',
    send: () => alice.sendTrc20(lookalikeToken, vault(), 50n * UNIT),
  },
  {
    name: 'the same to the hot wallet',
    send: () => alice.sendTrc20(lookalikeToken, world.place.hotWalletAddress, 50n * UNIT),
  },
  {
    name: "the vault's event from another contract",
    send: () =>
      alice.trigger(
        lookalikeVault,
        callData('deposit(address,uint256)', [abiAddress(alice.address), 50n * UNIT]),
      ),
  },
  {
    name: "BTT to the hot wallet, where the vault's reserve is not",
    send: () => alice.sendTrc20(trc20(), world.place.hotWalletAddress, 5n * UNIT),
    state: DEPOSIT.misdirected,
  },
  {
    name: 'BTTOLD to somebody else',
    send: () => alice.sendTrc10(world.place.trc10Id, world.faucet.address, 5n),
  },
  {
    name: 'BTT to somebody else',
    send: () => alice.sendTrc20(trc20(), world.faucet.address, 5n * UNIT),
  },
  { name: 'TRX', send: () => alice.sendTrx(world.place.hotWalletAddress, 1_000_000n) },
  { name: 'a transfer of nothing', send: () => alice.sendTrc20(trc20(), vault(), 0n) },
  {
    name: 'less than one unit',
    send: () => alice.sendTrc20(trc20(), vault(), UNIT - 1n),
    state: DEPOSIT.dust,
  },
  {
    name: 'a permission to take, of which nothing is taken',
    send: () =>
      alice.trigger(
        trc20(),
        callData('approve(address,uint256)', [abiAddress(vault()), 50n * UNIT]),
      ),
  },
];

beforeAll(async () => {
  world = await World.start();
  parts = world.boot();
  alice = await world.customer(ALICE, 1_000n * UNIT, 1_000n);
  await world.faucet.sendTrc10(TRC10_LOOKALIKE_ID, alice.address, 100n);
  const hostile = compileFile(`${import.meta.dirname}/../../../contracts/test/HostileTokens.sol`);
  const deploy = (name: string) =>
    world.faucet.deploy(hostile.get(name) as Deployable, Buffer.alloc(0));
  forwarder = await deploy('Forwarder');
  lookalikeToken = await deploy('LookalikeToken');
  lookalikeVault = await deploy('LookalikeVault');
  await world.faucet.sendTrc20(trc20(), forwarder, 5n * UNIT);
  for (const { name, send } of FAKES) sent.set(name, await send());
  await world.solidify();
  await scan(parts);
  await parts.booking.round();
}, 120_000);
afterAll(() => world.stop());

const depositsOf = (txid: string | undefined) =>
  parts.deposits.find(Buffer.from(txid ?? '', 'hex'));

describe('no credit is given for', () => {
  test.each(FAKES)('$name', async ({ name, state }) => {
    const found = await depositsOf(sent.get(name));
    expect(found.map((deposit) => deposit.state)).toEqual(state === undefined ? [] : [state]);
  });

  it('any of them, in the books', () => {
    expect(sent.size).toBe(FAKES.length);
    expect(world.books.deposits.size).toBe(0);
  });
});

describe('what is not ours and was sent to us', () => {
  it('is listed, token by token, and never credited', async () => {
    const { hotWalletAddress } = world.place;
    const listed = await parts.foreignTokens.list(undefined, 10);
    const seen = listed.map(({ token, recipient, transfers }) => [token, recipient, transfers]);
    expect(seen.sort()).toEqual(
      [
        [TRC10_LOOKALIKE_ID, hotWalletAddress, 1n],
        [lookalikeToken, hotWalletAddress, 1n],
        [lookalikeToken, vault(), 1n],
      ].sort(),
    );
    expect(await parts.foreignTokens.count()).toBe(3n);
  });

  it('is counted when it comes again, and off the list once an operator has dismissed it', async () => {
    expect(await parts.foreignTokens.dismiss(lookalikeToken, vault())).toBe(true);
    expect(await parts.foreignTokens.dismiss(lookalikeToken, alice.address)).toBe(false);
    await alice.sendTrc20(lookalikeToken, vault(), UNIT);
    await alice.sendTrc20(lookalikeToken, world.place.hotWalletAddress, 7n * UNIT);
    await world.solidify();
    await scan(parts);
    const [newest, ...others] = await parts.foreignTokens.list(undefined, 10);
    expect(newest).toMatchObject({
      ...{ token: lookalikeToken, recipient: world.place.hotWalletAddress, transfers: 2n },
      ...{ lastSender: alice.address, lastBaseUnits: (7n * UNIT).toString() },
    });
    expect(others).toHaveLength(1);
  });

  it('keeps to its bound: the tokens seen last', async () => {
    const { sql } = parts.database;
    await sql`insert into settlement.foreign_tokens (token, recipient, transfers, last_txid,
        last_sender, last_base_units, last_block, first_seen_at_ms)
      select 'spam' || n, ${vault()}, 1, ${Buffer.alloc(32)}, ${alice.address}, 1, 0, 0
      from generate_series(1, 1200) n`;
    await alice.sendTrc20(lookalikeToken, vault(), UNIT);
    await world.solidify();
    await scan(parts);
    const [row] = await sql<{ rows: bigint; real: bigint }[]>`
      select count(*) as rows, count(*) filter (where token not like 'spam%') as real
      from settlement.foreign_tokens`;
    expect(row).toEqual({ rows: 1_000n, real: 3n });
    await sql`delete from settlement.foreign_tokens where token like 'spam%'`;
  });
});

describe('a memo', () => {
  it('names nobody: the sender is credited, whatever it says', async () => {
    const bob = await world.customer(0xb0b);
    const reference = await world.chain.head();
    const { raw: plain } = buildTransaction({
      owner: alice.address,
      call: {
        ...{ kind: 'trc10', tokenId: world.place.trc10Id },
        ...{ to: world.place.hotWalletAddress, amountBaseUnits: 6n },
      },
      reference,
      expirationMs: reference.timestampMs + 60_000n,
      timestampMs: reference.timestampMs,
      feeLimitSun: 0n,
    });
    // Field 10 of the raw data is what wallets call the memo; it stands before field 11, the contract.
    const text = Buffer.from(`deposit for ${bob.address}`, 'utf8');
    const memo = Buffer.concat([Buffer.of(0x52, text.length), text]);
    const at = plain.indexOf(0x5a, 14);
    const raw = Buffer.concat([plain.subarray(0, at), memo, plain.subarray(at)]);
    const signature = await new KeySigner(ALICE.toString(16).padStart(64, '0')).sign(raw);
    const answer = await world.chain.broadcast(signedTransactionHex(raw, signature));
    expect(answer).toEqual({ accepted: true });
    await alice.waitFor(txidOf(raw));
    await world.solidify();
    await scan(parts);
    await parts.booking.round();
    expect(await depositsOf(txidOf(raw))).toMatchObject([
      { state: DEPOSIT.credited, account: alice.address, units: 6n },
    ]);
    expect(world.books.creditedTo(bob.address)).toBe(0n);
  });
});

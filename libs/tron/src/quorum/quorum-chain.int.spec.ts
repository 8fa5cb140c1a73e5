import { hash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain, TRC10_ID } from '#libs/devchain';
import { KeySigner } from '../signer.js';
import { buildTransaction, signedTransactionHex } from '../transaction.js';
import { ChainWallet } from '../wallet.js';
import { connectChain } from './connect.js';
import type { QuorumChain } from './quorum-chain.js';

// One chain with three nodes, of which the last one misbehaves.
const KEY = '1a'.repeat(32);
const TIMEOUT_MS = 1_000;
const BAD = 2;
const FOR_EVER = 1_000;
let devchain: Devchain;
let wallet: ChainWallet;
let funded: bigint;
let three: QuorumChain;
let two: QuorumChain;

const hostOf = (node: number) => new URL(devchain.urls[node] ?? '').host;
const connect = (urls: readonly string[]) =>
  connectChain(
    urls.map((url) => ({ url, timeoutMs: TIMEOUT_MS })),
    { lagMaxMs: 30_000n },
  );
const solidJson = async (path: string, num: bigint) => {
  const body = JSON.stringify({ num: Number(num) });
  return (await fetch(`${devchain.url}${path}`, { method: 'POST', body })).json();
};
// Every test starts with nodes that nothing is held against.
const reset = () => {
  devchain.clearFaults();
  three = connect(devchain.urls);
  two = connect(devchain.urls.slice(1));
};

beforeAll(async () => {
  devchain = await startDevchain({ producing: false, solidLagBlocks: 2, morePorts: [0, 0] });
  wallet = new ChainWallet({ url: devchain.url, timeoutMs: 5_000 }, KEY);
  await devchain.fund(wallet.address, 1_000_000_000n, 1_000n);
  funded = BigInt(devchain.headNumber + 1);
  await devchain.mine(6);
  reset();
});
afterEach(reset);
afterAll(() => devchain.stop());

describe('several honest nodes', () => {
  it('are one chain', async () => {
    expect(await three.chainId()).toBe(BigInt(devchain.chainId));
    const solid = await three.solidHead();
    expect(solid.number).toBe(BigInt(devchain.solidNumber));
    expect(await three.solidRef(solid.number)).toEqual(solid);
    expect(await three.solidRef(10_000n)).toBeUndefined();
    expect((await three.solidBlock(funded))?.transactions).toHaveLength(2);
    expect((await three.account(wallet.address))?.trc10.get(TRC10_ID)).toBe(1_000n);
    expect((await three.resources(wallet.address)).freeBandwidthLeft).toBeGreaterThan(0n);
    expect((await three.prices()).energySun).toBeGreaterThan(0n);
    expect((await three.headPermissions(wallet.address))?.actives).toHaveLength(1);
    expect(three.disagreement).toBeUndefined();
    expect(three.nodes.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok']);
  });

  it('take the same bytes, which one of them has first', async () => {
    const reference = await three.solidHead();
    const { raw, txid } = buildTransaction({
      owner: wallet.address,
      call: { kind: 'trx', to: new KeySigner('1b'.repeat(32)).address, amountSun: 1n },
      reference,
      expirationMs: (await three.head()).timestampMs + 60_000n,
      timestampMs: 1n,
      feeLimitSun: 0n,
    });
    const signed = signedTransactionHex(raw, await new KeySigner(KEY).sign(raw));
    expect(await three.broadcast(signed)).toEqual({ accepted: true });
    await devchain.mine(3);
    expect(await three.inclusion(txid)).toMatchObject({ result: 'SUCCESS' });
    expect(await three.isSolidified(txid)).toBe(true);
  });
});

describe('one node of three', () => {
  it.each([
    ['answers 503', { kind: 'http-error', path: '/wallet', status: 503 }],
    ['answers 429', { kind: 'http-error', path: '/wallet', status: 429 }],
    ['answers too late', { kind: 'delay-after', path: '/wallet', delayMs: TIMEOUT_MS * 3 }],
    ['talks nonsense', { kind: 'answer', path: '/wallet', body: 'nonsense' }],
  ] as const)('%s: the others serve', async (_name, fault) => {
    devchain.arm(fault, FOR_EVER, BAD);
    expect((await three.solidHead()).number).toBe(BigInt(devchain.solidNumber));
    expect((await three.solidBlock(funded))?.transactions).toHaveLength(2);
    expect(await three.account(wallet.address)).toBeDefined();
    expect(three.disagreement).toBeUndefined();
  });

  it('alters what is in a block: its own bytes convict it, and the others serve', async () => {
    devchain.arm({ kind: 'alter', path: '/walletsolidity/getblock' }, FOR_EVER, BAD);
    expect((await three.solidBlock(funded))?.transactions).toHaveLength(2);
    expect(three.disagreement).toBeUndefined();
    expect(three.nodes[BAD]).toMatchObject({ state: 'resting' });
    expect(three.nodes[BAD]?.detail).toContain('something else than printed');
  });

  it('lies about receipts, which prove nothing: nothing is believed, and the liar is named', async () => {
    const path = '/walletsolidity/gettransactioninfobyblocknum';
    devchain.arm({ kind: 'alter', path }, FOR_EVER, BAD);
    await expect(three.solidBlock(funded)).rejects.toMatchObject({ failure: 'disagreement' });
    expect(three.disagreement).toContain(`against ${hostOf(BAD)}`);
    devchain.clearFaults();
    await three.solidBlock(funded);
    expect(three.disagreement).toBeUndefined();
  });

  it('hides the receipts of a block: that is no block, and the others serve', async () => {
    const path = '/walletsolidity/gettransactioninfobyblocknum';
    devchain.arm({ kind: 'answer', path, body: [] }, FOR_EVER, BAD);
    expect((await three.solidBlock(funded))?.transactions).toHaveLength(2);
    expect(three.nodes[BAD]).toMatchObject({ name: hostOf(BAD), state: 'resting' });
    expect(three.nodes[BAD]?.detail).toContain('receipts');
  });

  it('lies about an account: what the others say counts, and it is named', async () => {
    const path = '/walletsolidity/getaccount';
    devchain.arm({ kind: 'answer', path, body: {} }, FOR_EVER, BAD);
    expect((await three.account(wallet.address))?.trxSun).toBeGreaterThan(7n);
    expect(three.nodes[BAD]).toMatchObject({ state: 'dissenting' });
  });

  it('claims a transaction for solidified: it is believed, as that only stops us', async () => {
    const id = 'ab'.repeat(32);
    const path = '/walletsolidity/gettransactioninfobyid';
    devchain.arm({ kind: 'answer', path, body: { id, blockNumber: 1 } }, FOR_EVER, BAD);
    expect(await three.isSolidified(id)).toBe(true);
  });

  it('claims a transaction for included: it is not believed, so it is sent again', async () => {
    const id = 'ab'.repeat(32);
    const path = '/wallet/gettransactioninfobyid';
    devchain.arm({ kind: 'answer', path, body: { id, blockNumber: 1 } }, FOR_EVER, BAD);
    expect(await three.inclusion(id)).toBeUndefined();
  });

  it('has an old solidified head: it is left out until it has caught up', async () => {
    await devchain.mine(1, devchain.headTimestampMs + 60_000);
    await devchain.mine(3);
    devchain.arm({ kind: 'stale-solid', path: '/walletsolidity/', blocks: 6 }, FOR_EVER, BAD);
    expect((await three.solidHead()).number).toBe(BigInt(devchain.solidNumber));
    expect(three.nodes[BAD]).toMatchObject({ state: 'behind' });
    devchain.clearFaults();
    await three.solidHead();
    expect(three.nodes[BAD]).toMatchObject({ state: 'ok' });
  });
});

describe('one node alone', () => {
  const one = () => connect(devchain.urls.slice(0, 1));

  it('is believed while the header of a block covers its transactions', async () => {
    expect((await one().solidBlock(funded))?.transactions).toHaveLength(2);
  });

  it('is not believed about an amount that was not signed', async () => {
    devchain.arm({ kind: 'alter', path: '/walletsolidity/getblock' }, FOR_EVER, 0);
    await expect(one().solidBlock(funded)).rejects.toThrow('something else than printed');
  });

  it('is not believed about a result', async () => {
    const path = '/walletsolidity/getblockbynum';
    const text = JSON.stringify(await solidJson(path, funded));
    const body = JSON.parse(text.replace('"contractRet":"SUCCESS"', '"contractRet":"REVERT"'));
    devchain.arm({ kind: 'answer', path, body }, FOR_EVER, 0);
    await expect(one().solidBlock(funded)).rejects.toThrow('do not give the root');
  });

  it('is not believed about an amount that it has put into bytes and ids as well', async () => {
    const paths = ['getblockbynum', 'gettransactioninfobyblocknum'].map(
      (name) => `/walletsolidity/${name}`,
    );
    const forged = new Map<string, string>();
    for (const path of paths) {
      let text = JSON.stringify(await solidJson(path, funded));
      // The field 4 of the transfer, 1 000 and 1 001 as varints.
      for (const [raw] of text.matchAll(/[0-9a-f]*20e807[0-9a-f]*/g)) {
        const lie = raw.replace('20e807', '20e907');
        const id = (hex: string) => hash('sha256', Buffer.from(hex, 'hex'));
        forged.set(raw, lie).set(id(raw), id(lie));
      }
      for (const [from, to] of forged) text = text.replaceAll(from, to);
      const body = JSON.parse(text.replace(/"amount":1000\b/, '"amount":1001'));
      devchain.arm({ kind: 'answer', path, body }, FOR_EVER, 0);
    }
    expect(forged.size).toBe(2);
    await expect(one().solidBlock(funded)).rejects.toMatchObject({
      failure: 'contradiction',
      message: expect.stringContaining('do not give the root'),
    });
  });
});

describe('one node of two', () => {
  it('fails: nothing solidified is believed, and it is named', async () => {
    devchain.arm({ kind: 'http-error', path: '/wallet', status: 503 }, FOR_EVER, BAD);
    await expect(two.solidBlock(funded)).rejects.toThrow(`${hostOf(BAD)} (overloaded)`);
    devchain.clearFaults();
    expect(await two.solidBlock(funded)).toBeDefined();
  });

  it('has not seen the newest block: the older one counts', async () => {
    await devchain.mine(3);
    devchain.arm({ kind: 'stale-solid', path: '/walletsolidity/', blocks: 1 }, FOR_EVER, BAD);
    expect((await two.solidHead()).number).toBe(BigInt(devchain.solidNumber - 1));
  });

  it('shows another chain: nothing goes on', async () => {
    const other = await startDevchain({ producing: false, network: 'another' });
    const mixed = connect([devchain.url, other.url]);
    await expect(mixed.chainId()).rejects.toMatchObject({ failure: 'disagreement' });
    await expect(mixed.solidBlock(0n)).rejects.toMatchObject({ failure: 'disagreement' });
    await other.stop();
  });
});

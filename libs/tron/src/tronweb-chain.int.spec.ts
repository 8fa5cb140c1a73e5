import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain, TRC10_ID } from '#libs/devchain';
import { isDevelopmentChain } from './development-chain.js';
import type { TronNodeError } from './errors.js';
import { KeySigner } from './signer.js';
import { buildTransaction, signedTransactionHex } from './transaction.js';
import { TronWebChain } from './tronweb-chain.js';
import { ChainWallet } from './wallet.js';

const KEY = '0d'.repeat(32);
let devchain: Devchain;
let chain: TronWebChain;
let wallet: ChainWallet;
beforeAll(async () => {
  devchain = await startDevchain({ blockIntervalMs: 30, solidLagBlocks: 3 });
  const node = { url: devchain.url, timeoutMs: 5_000 };
  chain = new TronWebChain(node);
  wallet = new ChainWallet(node, KEY);
  await devchain.fund(wallet.address, 1_000_000_000n, 2n ** 58n);
  await devchain.mine(5);
});
afterAll(() => devchain.stop());

describe('TronWebChain on a local chain', () => {
  it('knows the chain, its heads and its prices', async () => {
    expect(await chain.chainId()).toBe(BigInt(devchain.chainId));
    const solid = await chain.solidHead();
    const head = await chain.head();
    expect(head.number).toBeGreaterThan(solid.number);
    expect(head.timestampMs).toBeGreaterThan(solid.timestampMs);
    expect(await chain.energyPriceSun()).toBeGreaterThan(0n);
    expect(await isDevelopmentChain({ url: devchain.url, timeoutMs: 5_000 })).toBe(true);
  });

  it('reads accounts with every digit and their permissions', async () => {
    const account = await chain.account(wallet.address);
    expect(account?.trxSun).toBe(1_000_000_000n);
    expect(account?.trc10.get(TRC10_ID)).toBe(2n ** 58n);
    expect(account?.isContract).toBe(false);
    expect(account?.owner?.keys).toEqual([{ address: wallet.address, weight: 1n }]);
    expect(await chain.account(new KeySigner('0f'.repeat(32)).address)).toBeUndefined();
  });

  it('knows what an account may use, what is charged, and who may sign as of the newest block', async () => {
    const fresh = await chain.resources(new KeySigner('0e'.repeat(32)).address);
    expect(fresh).toEqual({ energyLeft: 0n, bandwidthLeft: 0n, freeBandwidthLeft: 0n });
    const before = await chain.resources(wallet.address);
    expect(before.freeBandwidthLeft).toBeGreaterThan(0n);
    await wallet.sendTrx(new KeySigner('4f'.repeat(32)).address, 1n);
    await wallet.sendTrx(new KeySigner('4f'.repeat(32)).address, 1n);
    const after = await chain.resources(wallet.address);
    expect(after.freeBandwidthLeft).toBeLessThan(before.freeBandwidthLeft);
    const prices = await chain.prices();
    expect(prices.energySun).toBe(await chain.energyPriceSun());
    expect(prices).toMatchObject({ bandwidthSun: 1_000n, activationSun: 1_000_000n });
    expect((await chain.headPermissions(wallet.address))?.owner?.keys).toEqual([
      { address: wallet.address, weight: 1n },
    ]);
    expect(await chain.headPermissions(new KeySigner('0e'.repeat(32)).address)).toBeUndefined();
  });

  it('follows a transfer from broadcast to its solidified block', async () => {
    const to = new KeySigner('1f'.repeat(32)).address;
    const amountBaseUnits = 2n ** 57n + 1n;
    const txid = await wallet.sendTrc10(TRC10_ID, to, amountBaseUnits);
    const inclusion = await chain.inclusion(txid);
    expect(inclusion?.result).toBe('SUCCESS');
    while (!(await chain.isSolidified(txid))) await devchain.mine();
    const block = await chain.solidBlock(inclusion?.blockNumber ?? 0n);
    const found = block?.transactions.find((transaction) => transaction.txid === txid);
    expect(found).toMatchObject({
      succeeded: true,
      owner: wallet.address,
      trc10: { tokenId: TRC10_ID, from: wallet.address, to, amountBaseUnits },
    });
  });

  it('does not know what is not there', async () => {
    expect(await chain.solidBlock(10_000_000n)).toBeUndefined();
    expect(await chain.inclusion('ab'.repeat(32))).toBeUndefined();
    expect(await chain.isSolidified('ab'.repeat(32))).toBe(false);
    await expect(chain.view(wallet.address, Buffer.alloc(4))).rejects.toMatchObject({
      failure: 'refused',
    });
  });

  it('takes a broadcast repeated for accepted and a refusal for an answer', async () => {
    const reference = await chain.solidHead();
    const signer = new KeySigner(KEY);
    const send = async (tokenId: string) => {
      const { raw } = buildTransaction({
        owner: wallet.address,
        call: {
          kind: 'trc10',
          tokenId,
          to: new KeySigner('2f'.repeat(32)).address,
          amountBaseUnits: 1n,
        },
        reference,
        expirationMs: (await chain.head()).timestampMs + 60_000n,
        timestampMs: 1n,
        feeLimitSun: 0n,
      });
      const hex = signedTransactionHex(raw, await signer.sign(raw));
      return [await chain.broadcast(hex), await chain.broadcast(hex)];
    };
    expect(await send(TRC10_ID)).toEqual([{ accepted: true }, { accepted: true }]);
    const [refused] = await send('1999999');
    expect(refused).toMatchObject({ accepted: false, code: 'CONTRACT_VALIDATE_ERROR' });
  });
});

describe('TronWebChain on a bad node', () => {
  let server: Server;
  let reply: { status: number; body: string; delayMs: number };
  let bad: TronWebChain;
  beforeAll(async () => {
    server = createServer((_request, response) => {
      setTimeout(() => {
        response.statusCode = reply.status;
        response.end(reply.body);
      }, reply.delayMs);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    bad = new TronWebChain({ url: `http://127.0.0.1:${port}`, timeoutMs: 1_000 });
  });
  afterAll(() => server.close());

  const failureOf = async (body: string, status = 200, delayMs = 0) => {
    reply = { status, body, delayMs };
    const error = await bad.head().then(
      () => undefined,
      (failed: TronNodeError) => failed,
    );
    return error?.failure;
  };

  it('names what is wrong', async () => {
    expect(await failureOf('{}', 200, 2_500)).toBe('timeout');
    expect(await failureOf('', 429)).toBe('overloaded');
    expect(await failureOf('', 503)).toBe('overloaded');
    expect(await failureOf('', 404)).toBe('refused');
    expect(await failureOf('{"Error":"class X : no"}')).toBe('refused');
    expect(await failureOf('<html>')).toBe('malformed');
    expect(await failureOf('{"blockID":"1"}')).toBe('malformed');
    const header = { raw_data: { number: 7, timestamp: 1, parentHash: '00' } };
    const body = { blockID: '0'.repeat(64), block_header: header };
    expect(await failureOf(JSON.stringify(body))).toBe('contradiction');
    const gone = new TronWebChain({ url: 'http://127.0.0.1:9', timeoutMs: 200 });
    await expect(gone.head()).rejects.toMatchObject({ failure: 'unreachable' });
  });

  it('does not follow it elsewhere, where an API key would go along', async () => {
    const seen: unknown[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as { port: number };
    const sends = createServer((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
    });
    await new Promise<void>((resolve) => sends.listen(0, '127.0.0.1', resolve));
    const { port: first } = sends.address() as { port: number };
    const headers = { 'TRON-PRO-API-KEY': 'secret' };
    const url = `http://127.0.0.1:${first}`;
    const redirected = new TronWebChain({ url, timeoutMs: 1_000, headers });
    await expect(redirected.head()).rejects.toMatchObject({ failure: 'unreachable' });
    expect(seen).toEqual([]);
    for (const server of [elsewhere, sends]) server.closeAllConnections();
    for (const server of [elsewhere, sends]) server.close();
  });

  it('does not take another account or transaction for the one asked for', async () => {
    reply = { status: 200, delayMs: 0, body: JSON.stringify({ address: `41${'00'.repeat(20)}` }) };
    await expect(bad.account(wallet.address)).rejects.toMatchObject({ failure: 'contradiction' });
    reply.body = JSON.stringify({ id: '00'.repeat(32), blockNumber: 1 });
    await expect(bad.inclusion('ab'.repeat(32))).rejects.toMatchObject({
      failure: 'contradiction',
    });
  });
});

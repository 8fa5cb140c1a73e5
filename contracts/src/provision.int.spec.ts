import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '#libs/devchain';
import { abiAddress, ChainWallet, type Deployable, KeySigner } from '#libs/tron';
import { compileFile } from './compiler.js';
import { encodeArguments } from './deploy.js';
import { faucetKey, provision } from './provision.js';

const OPERATOR_KEY = '0a'.repeat(32);
const OTHER_KEY = '0b'.repeat(32);
let devchain: Devchain;
beforeAll(async () => {
  devchain = await startDevchain({ blockIntervalMs: 20, solidLagBlocks: 2 });
});
afterAll(() => devchain.stop());

describe('provision', () => {
  it('deploys once, keeps what stands, and starts afresh when the wallet is another', async () => {
    const first = await provision(devchain.url, OPERATOR_KEY, undefined);
    expect(first).toMatchObject({
      chainId: String(devchain.chainId),
      hotWalletAddress: new KeySigner(OPERATOR_KEY).address,
      trc10Id: '1002000',
      nodeUrl: devchain.url,
    });
    expect(await provision(devchain.url, OPERATOR_KEY, first)).toEqual(first);
    const other = await provision(devchain.url, OTHER_KEY, first);
    expect(other.vaultAddress).not.toBe(first.vaultAddress);
  });

  it('refuses to go on with a vault of an older version', async () => {
    const first = await provision(devchain.url, OPERATOR_KEY, undefined);
    const faucet = new ChainWallet({ url: devchain.url, timeoutMs: 5_000 }, faucetKey());
    const hostile = compileFile(`${import.meta.dirname}/../test/HostileTokens.sol`);
    const values = [abiAddress(first.trc20Address), abiAddress(first.hotWalletAddress)];
    const vaultAddress = await faucet.deploy(
      hostile.get('OldVault') as Deployable,
      encodeArguments('address,address', values),
    );
    await devchain.mine(3);
    await expect(provision(devchain.url, OPERATOR_KEY, { ...first, vaultAddress })).rejects.toThrow(
      'older version',
    );
  });

  it('says who does not answer', async () => {
    await expect(provision('http://127.0.0.1:9', OPERATOR_KEY, undefined)).rejects.toThrow(
      'cannot be reached',
    );
  });

  it('refuses a chain that is not ours', async () => {
    const foreign = createServer((_request, response) => {
      response.end(
        JSON.stringify({ block_header: { raw_data: { witness_address: '41'.padEnd(42, '1') } } }),
      );
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const { port } = foreign.address() as { port: number };
    await expect(provision(`http://127.0.0.1:${port}`, OPERATOR_KEY, undefined)).rejects.toThrow(
      'not a local development chain',
    );
    foreign.close();
  });
});

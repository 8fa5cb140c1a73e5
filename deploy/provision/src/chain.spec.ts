import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainOfNetwork, givenChain, provisionChain } from './chain.js';

const CHAIN = {
  CHAIN_ID: '3448148188',
  VAULT_ADDRESS: 'TVjsyZ7fYF3qLF6BQgPmTEZy1xrNNyVAAA',
  TRC20_ADDRESS: 'TAFjULxiVgT4qWk6UZwjqwZXTSaGaqnVp4',
  TRC10_ID: '1002000',
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-chain-env-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('givenChain', () => {
  it('takes all four variables', () => {
    expect(givenChain({ ...CHAIN, OTHER: 'x' })).toEqual(CHAIN);
  });

  it('is undefined when none is set, also when Compose passes them empty', () => {
    expect(givenChain({})).toBeUndefined();
    expect(givenChain({ CHAIN_ID: '', VAULT_ADDRESS: '' })).toBeUndefined();
  });

  it('refuses some of them and names the others', () => {
    expect(() => givenChain({ ...CHAIN, TRC10_ID: '', CHAIN_ID: '' })).toThrow(
      'missing: CHAIN_ID, TRC10_ID',
    );
  });
});

describe('chainOfNetwork', () => {
  it('reads what the contracts left', () => {
    const text = JSON.stringify({
      chainId: CHAIN.CHAIN_ID,
      vaultAddress: CHAIN.VAULT_ADDRESS,
      trc20Address: CHAIN.TRC20_ADDRESS,
      trc10Id: CHAIN.TRC10_ID,
    });
    expect(chainOfNetwork(text)).toEqual(CHAIN);
  });

  it('refuses a file that lacks a field', () => {
    expect(() => chainOfNetwork('{"chainId":"1"}')).toThrow(/vaultAddress/);
  });
});

describe('provisionChain', () => {
  it('writes a given chain as a file that Node loads, for its owner only', async () => {
    await provisionChain(folder, CHAIN);
    const path = join(folder, 'stack.env');
    expect(parseEnv(readFileSync(path, 'utf8'))).toEqual(CHAIN);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('says which step is missing before it deploys anything', async () => {
    await expect(provisionChain(folder, {})).rejects.toThrow('TRON_NODE_URL is not set');
    const env = { TRON_NODE_URL: 'http://127.0.0.1:1' };
    await expect(provisionChain(folder, env)).rejects.toThrow('hot-wallet.key is missing');
  });
});

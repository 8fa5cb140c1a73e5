import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseNetwork, readState, type StackState, writeState } from './state-file.js';

const network = {
  chainId: 7,
  vaultAddress: 'TVault',
  trc20Address: 'TToken',
  trc10Id: '1000001',
};

describe('the state file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'state-'));
  const path = join(folder, 'state.json');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read back as written, by its owner only', () => {
    const state: StackState = {
      version: 1,
      dataDir: '/d',
      launcher: { pid: 1, startTime: '2' },
      phase: 'ready',
      startedAtMs: 3,
      ports: { kafka: 4 },
      endpoints: { kafkaBrokers: '127.0.0.1:4', opsUrls: {} },
      secrets: { internalToken: 'a', operatorToken: 'b', hotWalletKey: 'c', postgresPassword: 'd' },
      network,
      processes: [],
    };
    writeState(path, state);
    expect(readState(path)).toEqual(state);
    expect(statSync(path).mode & 0o77).toBe(0);
  });

  test.each(['', '{"version":', '{"version":2,"processes":[]}', '[]', 'null'])(
    'is no state when it holds %j',
    (text) => {
      writeFileSync(path, text);
      expect(readState(path)).toBeUndefined();
    },
  );
});

describe('the network that provisioning writes', () => {
  test('keeps what services need and no more', () => {
    expect(parseNetwork({ ...network, chainId: '7', trc10Id: 1000001, deployedAt: 'now' })).toEqual(
      network,
    );
  });

  test.each([
    [undefined, 'chainId'],
    [{ ...network, chainId: 'seven' }, 'chainId'],
    [{ ...network, vaultAddress: '41aa' }, 'vaultAddress'],
    [{ ...network, trc20Address: undefined }, 'trc20Address'],
    [{ ...network, trc10Id: 'BTT' }, 'trc10Id'],
  ])('names the field that is wrong in %j', (value, field) => {
    expect(() => parseNetwork(value)).toThrow(field);
  });
});

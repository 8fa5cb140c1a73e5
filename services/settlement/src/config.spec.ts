import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'settlement-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const secret = join(folder, 'secret');
writeFileSync(secret, `${'0c'.repeat(32)}\n`);
const env = {
  HTTP_PORT: '1',
  GRPC_PORT: '2',
  INTERNAL_GRPC_PORT: '3',
  DATABASE_URL: 'postgres://localhost/x',
  CHAIN_ID: '977592081',
  VAULT_ADDRESS: 'TYj8Gs9Bx3hqFN9Pd3D6HauoeWUGfSCQoa',
  TRC20_ADDRESS: 'TDwRcgydtad7AGNGFzJbxqK5uAaYVzH8DK',
  TRC10_ID: '1002000',
  INTERNAL_TOKEN_FILE: secret,
  HOT_WALLET_KEY_FILE: secret,
  BALANCE_INTERNAL_URL: 'localhost:4',
  TRON_NODE_URL: 'http://localhost:5',
};

describe('loadConfig', () => {
  it('reads the environment and has a default for every tunable', () => {
    expect(loadConfig(env)).toMatchObject({
      CHAIN_ID: 977_592_081n,
      HOT_WALLET_KEY_FILE: '0c'.repeat(32),
      SETTLEMENT_CRON: '0 * * * * *',
      BATCH_RECIPIENTS_MAX: 200,
    });
    expect(loadConfig(env).DEPOSIT_START_BLOCK).toBeUndefined();
  });

  it.each([
    ['TRON_NODE_URL', 'localhost:5'],
    ['TRC20_ADDRESS', '0x00'],
    ['TRC10_ID', 'BTT'],
    ['SETTLEMENT_CRON', 'sometimes'],
    ['HOT_WALLET_KEY_FILE', join(folder, 'missing')],
    ['BATCH_RECIPIENTS_MAX', '201'],
    ['TX_EXPIRATION_MS', '1'],
    ['DEPOSIT_START_BLOCK', '-1'],
    ['BALANCE_INTERNAL_URL', 'http://localhost:4'],
  ])('refuses %s=%s by name and without secrets', (name, value) => {
    const load = () => loadConfig({ ...env, [name]: value });
    expect(load).toThrow(name);
    expect(load).not.toThrow('0c0c');
  });
});

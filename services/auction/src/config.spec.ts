import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'auction-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, 'secret\n');
const env = {
  DATABASE_URL: 'postgres://localhost/x',
  KAFKA_BROKERS: 'localhost:9092',
  CHAIN_ID: '31337',
  VAULT_ADDRESS: 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy',
  HTTP_PORT: '8080',
  GRPC_PORT: '9090',
  INTERNAL_TOKEN_FILE: tokenFile,
  BALANCE_INTERNAL_URL: 'localhost:9091',
};

describe('loadConfig', () => {
  it('reads the environment, a secret from its file, and a round of ten seconds', () => {
    expect(loadConfig(env)).toMatchObject({
      ROUND_PERIOD_MS: 10_000,
      INTERNAL_TOKEN_FILE: 'secret',
      CHAIN_ID: 31_337n,
    });
    expect(loadConfig({ ...env, ROUND_PERIOD_MS: '500' }).ROUND_PERIOD_MS).toBe(500);
  });

  it.each([
    ['DATABASE_URL', 'mysql://x'],
    ['KAFKA_BROKERS', 'nowhere'],
    ['VAULT_ADDRESS', '0x00'],
    ['GRPC_PORT', '70000'],
    ['HTTP_PORT', ''],
    ['INTERNAL_TOKEN_FILE', join(folder, 'missing')],
    ['BALANCE_INTERNAL_URL', 'http://localhost'],
    ['ROUND_PERIOD_MS', '99'],
    ['ROUND_PERIOD_MS', '3600001'],
  ])('names a wrong %s (%s)', (name, text) => {
    expect(() => loadConfig({ ...env, [name]: text })).toThrow(`${name}:`);
  });

  it('reports all mistakes together', () => {
    expect(() => loadConfig({})).toThrow(/DATABASE_URL[\s\S]*KAFKA_BROKERS[\s\S]*BALANCE_INTERNAL/);
  });
});

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newKeys } from '../test/factory.js';
import { loadConfig } from './config.js';

const tokenFile = join(mkdtempSync(join(tmpdir(), 'ingest-config-')), 'token');
writeFileSync(tokenFile, 'a secret\n');

const good = {
  HTTP_PORT: '8001',
  GRPC_PORT: '8002',
  KAFKA_BROKERS: 'a:9092,b:9092',
  CHAIN_ID: '1',
  VAULT_ADDRESS: newKeys().address,
  BALANCE_INTERNAL_URL: 'balance:7001',
  INTERNAL_TOKEN_FILE: tokenFile,
};

describe('loadConfig', () => {
  it('fills in the defaults', () => {
    expect(loadConfig(good)).toEqual({
      NODE_ENV: 'development',
      LOG_LEVEL: 'info',
      LISTEN_HOST: '127.0.0.1',
      HTTP_PORT: 8001,
      GRPC_PORT: 8002,
      KAFKA_BROKERS: ['a:9092', 'b:9092'],
      CHAIN_ID: 1n,
      VAULT_ADDRESS: good.VAULT_ADDRESS,
      BALANCE_INTERNAL_URL: 'balance:7001',
      INTERNAL_TOKEN_FILE: 'a secret',
      LEDGER_PARTITIONS: 8,
      CHANNELS_IN_MEMORY_MAX: 1_200_000,
      FLUSH_WINDOW_MS: 2,
      PROXY_ADDRESSES: [],
    });
  });

  it.each([
    ['GRPC_PORT', '0'],
    ['GRPC_PORT', 'grpc'],
    ['PROXY_ADDRESSES', '10.0.0.1,proxy'],
    ['KAFKA_BROKERS', 'a'],
    ['CHAIN_ID', 'main'],
    ['VAULT_ADDRESS', 'T111111111111111111111111111111111'],
    ['VAULT_ADDRESS', '0x00'],
    ['LEDGER_PARTITIONS', '0'],
    ['CHANNELS_IN_MEMORY_MAX', '1000'],
    ['BALANCE_INTERNAL_URL', 'http://balance:7001'],
    ['INTERNAL_TOKEN_FILE', '/nowhere/token'],
    ['FLUSH_WINDOW_MS', '101'],
  ])('names %s when it is %s', (name, value) => {
    expect(() => loadConfig({ ...good, [name]: value })).toThrow(`  ${name}: `);
  });

  it('names every missing variable at once', () => {
    const missing = Object.keys(good).map((name) => `(?=[^]*  ${name}: )`);
    expect(() => loadConfig({})).toThrow(new RegExp(missing.join('')));
  });
});

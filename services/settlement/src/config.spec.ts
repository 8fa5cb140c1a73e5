import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'settlement-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const secret = join(folder, 'secret');
writeFileSync(secret, `${'0c'.repeat(32)}\n`, { mode: 0o600 });
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
      BATCH_RECIPIENTS_MAX: 50,
    });
    expect(loadConfig(env).DEPOSIT_START_BLOCK).toBeUndefined();
  });

  it.each([
    ['TRON_NODE_URL', 'localhost:5'],
    ['TRC20_ADDRESS', '0x00'],
    ['TRC10_ID', 'BTT'],
    ['TRON_ONE_NODE', 'yes'],
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

  const { TRON_NODE_URL: _one, HOT_WALLET_KEY_FILE: _clear, ...rest } = env;
  const urls = { TRON_NODE_URLS: 'https://a.example, https://b.example' };
  const keystore = { KEYSTORE_FILE: secret };
  const remote = {
    SIGNER_URL: 'signer:7000',
    SIGNER_CA_FILE: secret,
    SIGNER_CERT_FILE: secret,
    SIGNER_KEY_FILE: secret,
    HOT_WALLET_ADDRESS: env.VAULT_ADDRESS,
  };
  const keysFile = join(folder, 'api-keys');
  writeFileSync(keysFile, 'a.example k1\nb.example x-key k2\n', { mode: 0o600 });

  it('takes several nodes, each with its own key', () => {
    const { nodes } = loadConfig({ ...rest, ...urls, ...keystore, TRON_API_KEY_FILE: keysFile });
    expect(nodes).toEqual([
      { url: 'https://a.example', timeoutMs: 5_000, headers: { 'TRON-PRO-API-KEY': 'k1' } },
      { url: 'https://b.example', timeoutMs: 5_000, headers: { 'x-key': 'k2' } },
    ]);
  });

  it.each([
    ['keystore', keystore],
    ['remote', remote],
    ['clear', { HOT_WALLET_KEY_FILE: secret }],
  ])('takes a key of the kind %s', (kind, keys) => {
    expect(loadConfig({ ...rest, ...urls, ...keys }).keys.kind).toBe(kind);
  });

  it.each([
    [
      'two keys',
      { ...urls, ...keystore, HOT_WALLET_KEY_FILE: secret },
      'exactly one of HOT_WALLET',
    ],
    ['no key', urls, 'exactly one of HOT_WALLET'],
    [
      'half a remote signer',
      { ...urls, ...remote, SIGNER_CERT_FILE: '' },
      'needs SIGNER_CERT_FILE',
    ],
    [
      'a signer without our address',
      { ...urls, ...remote, HOT_WALLET_ADDRESS: '' },
      'HOT_WALLET_ADDRESS',
    ],
    [
      'both kinds of nodes',
      { ...keystore, ...urls, TRON_NODE_URL: 'http://a' },
      'exactly one of TRON_NODE',
    ],
    ['no node', keystore, 'exactly one of TRON_NODE'],
    ['a node that is no URL', { ...keystore, TRON_NODE_URLS: 'http://a,b' }, 'TRON_NODE_URLS'],
    [
      'a key of no node',
      { ...keystore, TRON_NODE_URL: 'http://c', TRON_API_KEY_FILE: keysFile },
      'line 1',
    ],
  ])('refuses %s', (_name, change, message) => {
    expect(() => loadConfig({ ...rest, ...change })).toThrow(message);
    expect(() => loadConfig({ ...rest, ...change })).not.toThrow('k1');
  });
});

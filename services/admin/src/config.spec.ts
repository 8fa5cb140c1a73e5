import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'swarmledger-admin-config-'));
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const valid = {
  HTTP_PORT: '8080',
  DATABASE_URL: 'postgres://localhost/x',
  KAFKA_BROKERS: 'localhost:9092',
  OPERATOR_TOKEN_FILE: file('operator', 'a-token-long-enough\n'),
  INTERNAL_TOKEN_FILE: file('internal', 'secret'),
  SERVICES: '{"ingest":"http://127.0.0.1:4101/","balance":"https://balance:8080"}',
  BALANCE_URL: 'balance:7000',
  AUCTION_URL: 'auction:7000',
  SETTLEMENT_URL: 'settlement:7000',
  SETTLEMENT_INTERNAL_URL: 'settlement:7100',
};

describe('the configuration', () => {
  test('is parsed, with its defaults', () => {
    expect(loadConfig(valid)).toEqual({
      nodeEnv: 'development',
      logLevel: 'info',
      host: '127.0.0.1',
      httpPort: 8080,
      databaseUrl: 'postgres://localhost/x',
      kafkaBrokers: ['localhost:9092'],
      operatorToken: 'a-token-long-enough',
      internalToken: 'secret',
      services: { ingest: 'http://127.0.0.1:4101', balance: 'https://balance:8080' },
      balanceUrl: 'balance:7000',
      auctionUrl: 'auction:7000',
      settlementUrl: 'settlement:7000',
      settlementInternalUrl: 'settlement:7100',
      publicOrigin: undefined,
      proxyHops: 0,
      sessionMs: 43_200_000,
    });
  });

  test.each([
    ['OPERATOR_TOKEN_FILE', undefined],
    ['OPERATOR_TOKEN_FILE', '/nowhere/token'],
    ['OPERATOR_TOKEN_FILE', file('empty', '\n')],
    ['OPERATOR_TOKEN_FILE', file('short', 'too-short')],
    ['INTERNAL_TOKEN_FILE', undefined],
    ['SERVICES', undefined],
    ['SERVICES', 'not json'],
    ['SERVICES', '["http://x"]'],
    ['SERVICES', '{"ingest":"file:///etc/passwd"}'],
    ['SERVICES', '{"Ingest<b>":"http://x"}'],
    [
      'SERVICES',
      JSON.stringify(
        Object.fromEntries(
          Array(33)
            .fill(0)
            .map((_, n) => [`s${n}`, 'http://x']),
        ),
      ),
    ],
    ['BALANCE_URL', 'http://balance'],
    ['AUCTION_URL', undefined],
    ['SETTLEMENT_URL', 'settlement'],
    ['SETTLEMENT_INTERNAL_URL', undefined],
    ['PUBLIC_ORIGIN', 'https://admin.example/path'],
    ['PROXY_HOPS', '-1'],
    ['SESSION_HOURS', '25'],
    ['KAFKA_BROKERS', 'kafka'],
  ])('is refused when %s is %s', (name, value) => {
    expect(() => loadConfig({ ...valid, [name]: value })).toThrow(`${name}: `);
  });

  test('has all its mistakes reported together, and no secret among them', () => {
    const wrong = { ...valid, OPERATOR_TOKEN_FILE: file('wrong', 'tiny'), SERVICES: '{' };
    expect(() => loadConfig(wrong)).toThrow(/OPERATOR_TOKEN_FILE.*\n.*SERVICES/);
    expect(() => loadConfig(wrong)).not.toThrow('tiny');
  });
});

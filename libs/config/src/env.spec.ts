import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  booksShape,
  ConfigError,
  commonShape,
  hostPort,
  kafkaShape,
  parseEnv,
  postgresShape,
  privateFile,
  secretFile,
  storesShape,
  tokensShape,
} from './index.js';

describe('configuration', () => {
  it('takes defaults and reads lists', () => {
    const config = parseEnv(
      { ...commonShape, ...storesShape },
      { HTTP_PORT: '80', DATABASE_URL: 'postgres://x/y', KAFKA_BROKERS: 'a:1,b:2', LOG_LEVEL: '' },
    );
    expect(config).toMatchObject({
      LOG_LEVEL: 'info',
      LISTEN_HOST: '127.0.0.1',
      KAFKA_BROKERS: ['a:1', 'b:2'],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reports every mistake together', () => {
    const read = () =>
      parseEnv(
        { ...commonShape, ...storesShape, PEER: hostPort() },
        { HTTP_PORT: '99999', DATABASE_URL: 'mysql://x', KAFKA_BROKERS: 'a', PEER: 'http://x:1' },
      );
    expect(read).toThrow(ConfigError);
    for (const name of ['HTTP_PORT', 'DATABASE_URL', 'KAFKA_BROKERS', 'PEER']) {
      expect(read).toThrow(new RegExp(name));
    }
  });

  it('has the stores one by one and together', () => {
    expect({ ...postgresShape, ...kafkaShape }).toEqual(storesShape);
  });

  it.each([
    ['TRC20_ADDRESS', '0x00'],
    ['TRC20_ADDRESS', 'TDwRcgydtad7AGNGFzJbxqK5uAaYVzH8D0'],
    ['TRC10_ID', 'BTT'],
    ['TRC10_ID', '12'],
    ['BALANCE_INTERNAL_URL', 'http://balance:1'],
    ['INTERNAL_TOKEN_FILE', '/nowhere'],
  ])('refuses %s=%s', (name, value) => {
    const good = {
      TRC20_ADDRESS: 'TDwRcgydtad7AGNGFzJbxqK5uAaYVzH8DK',
      TRC10_ID: '1002000',
      BALANCE_INTERNAL_URL: 'balance:1',
      INTERNAL_TOKEN_FILE: import.meta.filename,
    };
    const read = (env: Record<string, string>) => parseEnv({ ...tokensShape, ...booksShape }, env);
    expect(read(good)).toMatchObject({ TRC10_ID: '1002000' });
    expect(() => read({ ...good, [name]: value })).toThrow(new RegExp(name));
  });

  it('reads secrets from files and refuses missing ones', () => {
    expect(parseEnv({ TOKEN: secretFile() }, { TOKEN: import.meta.filename }).TOKEN).toContain(
      'reads secrets',
    );
    expect(() => parseEnv({ TOKEN: secretFile() }, { TOKEN: '/nowhere' })).toThrow(/missing/);
  });

  it.each([
    [0o600, true],
    [0o400, true],
    [0o440, true],
    [0o640, true],
    [0o644, false],
    [0o660, false],
    [0o602, false],
  ])('takes a private file of mode %o: %s', (mode, taken) => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmledger-private-'));
    const file = join(folder, 'key');
    writeFileSync(file, 'secret');
    chmodSync(file, mode);
    const read = () => parseEnv({ KEY: privateFile() }, { KEY: file });
    if (taken) expect(read().KEY).toBe('secret');
    else expect(read).toThrow(/KEY: others may/);
    chmodSync(file, 0o600);
    truncateSync(file);
    expect(read).toThrow(/KEY: the file is empty/);
    writeFileSync(file, 'x'.repeat(70_000));
    expect(read).toThrow(/KEY: the file is too large/);
    rmSync(folder, { recursive: true });
    expect(read).toThrow(/KEY: the file is missing/);
  });
});

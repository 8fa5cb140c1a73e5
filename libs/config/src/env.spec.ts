import { describe, expect, it } from 'vitest';
import { ConfigError, commonShape, hostPort, parseEnv, secretFile, storesShape } from './index.js';

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

  it('reads secrets from files and refuses missing ones', () => {
    expect(parseEnv({ TOKEN: secretFile() }, { TOKEN: import.meta.filename }).TOKEN).toContain(
      'reads secrets',
    );
    expect(() => parseEnv({ TOKEN: secretFile() }, { TOKEN: '/nowhere' })).toThrow(/missing/);
  });
});

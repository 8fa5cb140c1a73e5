import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.js';

describe('options', () => {
  it('come from the environment, flags first', () => {
    const env = { PORT: '8090', DATA_DIR: '/data', BLOCK_INTERVAL_MS: '100' };
    expect(parseOptions(['--port', '9000'], env)).toMatchObject({
      port: 9000,
      host: '127.0.0.1',
      dataDir: '/data',
      blockIntervalMs: 100,
      solidLagBlocks: 3,
    });
    expect(parseOptions([], { DATA_DIR: '' }).dataDir).toBeUndefined();
  });

  it('name everything that is wrong', () => {
    const parse = () =>
      parseOptions(['--what', 'x', '--port'], { BLOCK_INTERVAL_MS: '1', SOLID_LAG_BLOCKS: 'no' });
    expect(parse).toThrow(
      /unknown flag --what\n--port needs a value\nBLOCK_INTERVAL_MS .*\nSOLID_LAG_BLOCKS/,
    );
  });
});

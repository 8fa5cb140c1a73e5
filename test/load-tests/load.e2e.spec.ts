import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../deploy/checks/src/tools.js';

describe('npm run load', () => {
  it('pays through the whole system and finds every acknowledged unit in the ledger', async () => {
    const main = join(ROOT, 'dist/load-tests/src/main.js');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [main, '--smoke', '--engine', 'node', '--json'],
      { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 },
    );
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(result).toMatchObject({
      passed: true,
      conserved: true,
      vouchersWrong: 0,
      lostChannels: 0,
      inventedChannels: 0,
    });
    expect(result.ackedUnits).toBe(result.ledgerUnits);
    expect(Number(result.vouchersRefusedAsExpected)).toBeGreaterThan(0);
  }, 600_000);
});

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
      [main, '--smoke', '--seconds', '3', '--engine', 'node', '--json'],
      { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 },
    );
    const lines = stdout.trim().split('\n');
    expect(lines.at(-2)).toBe('PASS unary, stream, mixed, hot-payee, hot-payer');
    const result = JSON.parse(lines.at(-1) ?? '') as {
      passed: boolean;
      scenarios: Record<string, unknown>[];
    };
    expect(result.passed).toBe(true);
    for (const scenario of result.scenarios) {
      expect(scenario).toMatchObject({
        conserved: true,
        vouchersWrong: 0,
        lostChannels: 0,
        inventedChannels: 0,
      });
      expect(scenario.ackedUnits).toBe(scenario.ledgerUnits);
      expect(Number(scenario.vouchersRefusedAsExpected)).toBeGreaterThan(0);
    }
  }, 600_000);
});

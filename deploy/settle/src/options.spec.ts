import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError } from './options.js';

describe('the options of settle', () => {
  it('ask before anything is paid, unless told otherwise', () => {
    expect(parseOptions([])).toMatchObject({
      dryRun: false,
      yes: false,
      json: false,
      decisions: [],
      payouts: undefined,
    });
    expect(parseOptions(['--yes', '--json'])).toMatchObject({ yes: true, json: true });
  });

  it('take decisions about several batches', () => {
    const options = parseOptions(['--approve', '7', '--reject', '8', '--operator', 'ann']);
    expect(options).toMatchObject({
      decisions: [
        { batchNo: 7n, approve: true },
        { batchNo: 8n, approve: false },
      ],
      operator: 'ann',
    });
  });

  it.each([
    ['--payouts', '0'],
    ['--payouts', '20001'],
    ['--payouts', '1e3'],
    ['--payouts', '10', '--approve', '1'],
    ['--payouts', '10', '--dry-run'],
    ['--payouts', '10', '--state', 'x'],
    ['--approve', '-1'],
    ['--approve', '0'],
    ['--approve', '1', '--reject', '1'],
    ['--dry-run', '--yes'],
    ['--dry-run', '--approve', '1'],
    ['--nonsense'],
    ['7'],
  ])('refuse %s %s %s %s', (...args) => {
    expect(() => parseOptions(args.filter((arg) => arg !== undefined))).toThrow(UsageError);
  });
});

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

  it('take a settlement by its address, options before environment', () => {
    const env = { SETTLEMENT_INTERNAL_URL: 'settlement:7100', INTERNAL_TOKEN_FILE: '/run/token' };
    const remote = (...args: string[]) => parseOptions(args, env).remote;
    expect(remote()).toEqual({ address: 'settlement:7100', tokenFile: '/run/token' });
    expect(remote('--address', 'a:1')).toEqual({ address: 'a:1', tokenFile: '/run/token' });
    expect(remote('--address', 'a:1', '--token-file', 't')).toEqual({
      address: 'a:1',
      tokenFile: 't',
    });
    // A stack's state file names address and token itself.
    expect(remote('--state', 'x')).toBeUndefined();
    const empty = { SETTLEMENT_INTERNAL_URL: '', INTERNAL_TOKEN_FILE: '/run/token' };
    expect(parseOptions([], empty).remote).toBeUndefined();
  });

  it.each([
    [['--address', 'a:1'], {}, '--token-file, or INTERNAL_TOKEN_FILE'],
    [[], { SETTLEMENT_INTERNAL_URL: 'a:1' }, '--token-file, or INTERNAL_TOKEN_FILE'],
    [['--address', 'http://a:1', '--token-file', 't'], {}, 'host:port'],
    [['--token-file', 't'], {}, 'goes with --address'],
    [['--address', 'a:1', '--token-file', 't', '--state', 'x'], {}, 'two settlements'],
  ])('refuse the place %j %j', (args, env, text) => {
    expect(() => parseOptions(args, env)).toThrow(text);
  });

  it('take an explanation of transactions, which has a reason', () => {
    const txid = 'aB'.repeat(32);
    expect(parseOptions(['--explain', txid, '--reason', 'staked'])).toMatchObject({
      explained: [txid],
      reason: 'staked',
    });
    for (const args of [
      ['--explain', txid],
      ['--reason', 'staked'],
      ['--explain', txid.slice(1), '--reason', 'staked'],
      ['--explain', txid, '--reason', 'staked', '--dry-run'],
      ['--explain', txid, '--reason', 'staked', '--payouts', '10'],
    ]) {
      expect(() => parseOptions(args)).toThrow(UsageError);
    }
  });

  it.each([
    ['--payouts', '10', '--address', 'a:1', '--token-file', 't'],
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
  ])('refuse %s %s %s %s %s %s', (...args) => {
    expect(() => parseOptions(args.filter((arg) => arg !== undefined))).toThrow(UsageError);
  });
});

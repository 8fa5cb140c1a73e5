import { describe, expect, it } from 'vitest';
import { HELP, parseOptions, UsageError } from './options.js';

const ACCOUNT = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const parse = (...args: string[]) => parseOptions(args, '.data');

describe('the command line of verify', () => {
  it('checks everything, or one account in one epoch', () => {
    expect(parse()).toMatchObject({ account: undefined, json: false, dataDir: '.data' });
    expect(parse('--account', ACCOUNT, '--epoch', '7', '--json')).toMatchObject({
      account: ACCOUNT,
      epochNo: 7n,
      json: true,
    });
    expect(parse('--account', ACCOUNT).epochNo).toBeUndefined();
  });

  it.each([
    [['--account', 'Tnobody'], /TRON address/],
    [['--account', ACCOUNT, '--epoch', '0'], /number from 1 on/],
    [['--account', ACCOUNT, '--epoch', 'last'], /number from 1 on/],
    [['--epoch', '1'], /go with --account/],
    [['--proof', 'x.json'], /go with --account/],
    [['--everything'], /everything/],
    [['surplus'], /surplus/],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });

  it('names all its options in the help', () => {
    for (const name of ['--account', '--epoch', '--proof', '--json', '--data']) {
      expect(HELP).toContain(name);
    }
  });
});

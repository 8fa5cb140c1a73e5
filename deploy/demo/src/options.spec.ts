import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError } from './options.js';

describe('parseOptions', () => {
  it('has defaults for everything but the state', () => {
    expect(parseOptions(['--state', 's.json'], 5)).toEqual({
      help: false,
      statePath: 's.json',
      json: false,
      payments: 24_000,
      fileMib: 32,
      seed: 5,
    });
  });

  it('takes every option', () => {
    const args = ['--state', 's', '--json', '--payments', '500', '--file-mib', '2', '--seed', '9'];
    expect(parseOptions(args, 5)).toMatchObject({ json: true, payments: 500, fileMib: 2, seed: 9 });
    expect(parseOptions(['--help'], 5)).toMatchObject({ help: true });
  });

  it.each([
    [[], '--state'],
    [['--state', 's', '--payments', '5'], '100 to'],
    [['--state', 's', '--file-mib', '1.5'], 'whole number'],
    [['--state', 's', '--seed', '-1'], '--seed'],
    [['--state', 's', '--what'], '--what'],
  ])('refuses %j', (args, text) => {
    expect(() => parseOptions(args, 5)).toThrow(UsageError);
    expect(() => parseOptions(args, 5)).toThrow(text);
  });
});

import { describe, expect, test } from 'vitest';
import { identify, isAlive, parseProcStat, signal } from './process-identity.js';

const stat = (name: string, state: string) =>
  `4242 (${name}) ${state} ${Array.from({ length: 48 }, (_, at) => at + 4).join(' ')}`;

describe('the identity of a process', () => {
  test.each([
    ['node', 'S', '22'],
    ['a) strange (name', 'R', '22'],
    ['dead', 'Z', undefined],
  ])('reads the start time of "%s" in state %s', (name, state, expected) => {
    expect(parseProcStat(stat(name, state))).toBe(expected);
  });

  test('is alive for ourselves and not for another start under our pid', () => {
    const self = identify(process.pid);
    expect(self && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: 'another' })).toBe(false);
  });

  test('keeps signals from a stranger who got the pid', () => {
    expect(signal({ pid: process.pid, startTime: 'another' }, 'SIGKILL')).toBe(false);
  });
});

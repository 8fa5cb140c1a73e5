import { describe, expect, it } from 'vitest';
import { FAULT_KINDS, Faults, parseFault } from './faults.js';

describe('faults', () => {
  it('act as often as armed', () => {
    const faults = new Faults();
    faults.arm({ kind: 'drop' }, 2);
    expect([1, 2, 3].map(() => faults.take('drop') !== undefined)).toEqual([true, true, false]);
    faults.arm({ kind: 'drop' }, 0);
    expect(faults.take('drop')).toBeUndefined();
  });

  it('match the path', () => {
    const faults = new Faults();
    faults.arm({ kind: 'delay-before', path: '/wallet/get', delayMs: 5 });
    expect(faults.take('delay-before', '/walletsolidity/getblock')).toBeUndefined();
    expect(faults.take('delay-before')).toBeUndefined();
    expect(faults.take('delay-before', '/wallet/getblock')).toMatchObject({ delayMs: 5 });
  });

  it('are read with defaults', () => {
    expect(parseFault({ kind: 'drop', count: 3 })).toEqual({ fault: { kind: 'drop' }, count: 3 });
    expect(parseFault({ kind: 'hold' }).fault).toEqual({ kind: 'hold', offsetMs: -1 });
    expect(parseFault({ kind: 'refuse' }).fault).toMatchObject({ code: 'SERVER_BUSY' });
    expect(parseFault({ kind: 'stale-solid' }).fault).toMatchObject({ path: '/walletsolidity/' });
    for (const kind of FAULT_KINDS) expect(parseFault({ kind }).fault.kind).toBe(kind);
  });

  it.each([
    [{}, /kind must be one of drop, hold/],
    ['drop', /kind must be one of/],
    [{ kind: 'delay-after', delayMs: 1e12 }, /delayMs must be a whole number from 0 to 600000/],
    [{ kind: 'hold', offsetMs: 0.5 }, /offsetMs must be a whole number/],
    [{ kind: 'fail-call', result: 'nonsense' }, /result must be one of REVERT/],
    [{ kind: 'cut-fee-limit', feeLimitSun: -1 }, /feeLimitSun must be a whole number from 0/],
    [{ kind: 'refuse', code: 'NO' }, /code must be one of SIGERROR/],
    [{ kind: 'answer', path: 5 }, /path must be a text that starts with \//],
    [{ kind: 'drop', count: -1 }, /count must be/],
  ])('are refused when malformed: %j', (json, message) => {
    expect(() => parseFault(json)).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import { Faults, parseFault } from './faults.js';

describe('faults', () => {
  it('act as often as armed', () => {
    const faults = new Faults();
    faults.arm({ kind: 'drop' }, 2);
    expect([1, 2, 3].map(() => faults.take('drop') !== undefined)).toEqual([true, true, false]);
    faults.arm({ kind: 'hold' }, 0);
    expect(faults.take('hold')).toBeUndefined();
  });

  it('match the path', () => {
    const faults = new Faults();
    faults.arm({ kind: 'delay-before', path: '/wallet/get', delayMs: 5 });
    expect(faults.take('delay-before', '/walletsolidity/getblock')).toBeUndefined();
    expect(faults.take('delay-before')).toBeUndefined();
    expect(faults.take('delay-before', '/wallet/getblock')).toMatchObject({ delayMs: 5 });
  });

  it('are read with defaults and bounds', () => {
    expect(parseFault({ kind: 'drop', count: 3 })).toEqual({ fault: { kind: 'drop' }, count: 3 });
    expect(parseFault({ kind: 'delay-after', delayMs: 1e12 }).fault).toMatchObject({
      delayMs: 1_000,
    });
    expect(parseFault({ kind: 'fail-call', result: 'nonsense' }).fault).toMatchObject({
      result: 'OUT_OF_ENERGY',
    });
    expect(() => parseFault({})).toThrow('kind must be one of');
    expect(() => parseFault('drop')).toThrow('kind must be one of');
  });
});

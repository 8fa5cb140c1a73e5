import { describe, expect, test } from 'vitest';
import { PORT_FIRST, PORT_LAST, type PortRequest, pickPorts } from './ports.js';

const request = (given: Partial<PortRequest>): PortRequest => ({
  names: ['one', 'two'],
  remembered: {},
  chosen: {},
  isFree: async () => true,
  random: () => 0.5,
  ...given,
});

/** Numbers one after the other, the last one for ever. */
const sequence = (...numbers: number[]) => {
  let at = 0;
  return () => numbers[Math.min(at++, numbers.length - 1)] ?? 0;
};

describe('picking ports', () => {
  test('stays below the range of outgoing connections, and never gives one port twice', async () => {
    const { one, two } = await pickPorts(request({ random: sequence(0, 0, 0.999999) }));
    expect([one, two]).toEqual([PORT_FIRST, PORT_LAST]);
    expect(PORT_LAST).toBeLessThan(32_768);
  });

  test('passes over a port in use', async () => {
    const isFree = async (port: number) => port !== PORT_FIRST;
    const { one } = await pickPorts(request({ names: ['one'], isFree, random: sequence(0, 0.5) }));
    expect(one).toBe(26_000);
  });

  test('keeps remembered ports that are free and replaces the others', async () => {
    const remembered = { one: 21_111, two: 22_222 };
    const isFree = async (port: number) => port !== 22_222;
    expect(await pickPorts(request({ remembered, isFree }))).toEqual({ one: 21_111, two: 26_000 });
  });

  test('takes a chosen port before a remembered one, also from another name', async () => {
    const given = { remembered: { one: 21_111 }, chosen: { two: 21_111 } };
    expect(await pickPorts(request(given))).toEqual({ one: 26_000, two: 21_111 });
  });

  test.each<[Partial<PortRequest>, string]>([
    [{ chosen: { one: 5432 }, isFree: async () => false }, 'port 5432, chosen for one, is in use'],
    [{ chosen: { one: 5432, two: 5432 } }, 'port 5432 was chosen twice'],
    [{ isFree: async () => false }, 'found no free port'],
  ])('says what is wrong: %j', async (given, message) => {
    await expect(pickPorts(request(given))).rejects.toThrow(message);
  });
});

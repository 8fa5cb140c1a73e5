import { expect, it } from 'vitest';
import { LIMITS } from './limits.js';
import { checkValidity } from './validity.js';

const NOW = 1_000_000n;

it.each([
  [NOW, undefined],
  [NOW + LIMITS.validityMaxMs, undefined],
  [NOW - 1n, 'EXPIRED'],
  [1n, 'EXPIRED'],
  [0n, 'MALFORMED'],
  [-1n, 'MALFORMED'],
  [-(2n ** 63n), 'MALFORMED'],
  [NOW + LIMITS.validityMaxMs + 1n, 'MALFORMED'],
])('a request that is valid until %s is judged as %s', (validUntilMs, reason) => {
  expect(checkValidity(validUntilMs, NOW)?.reason).toBe(reason);
});

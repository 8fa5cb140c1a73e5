import { describe, expect, it } from 'vitest';
import { LIMITS, UNITS_MAX } from '#libs/domain';
import { delegationProblem, expiryProblem, openingProblem } from './session-key.js';

const NOW = 1_000_000n;

describe('a delegation', () => {
  const good = { account: 'A', key: 'B', capUnits: 1n, expiresAtMs: NOW };

  it.each([
    ['fine', {}, undefined],
    ['the largest cap', { capUnits: UNITS_MAX }, undefined],
    ['the own key', { key: 'A' }, 'MALFORMED'],
    ['no cap', { capUnits: 0n }, 'MALFORMED'],
    ['a negative cap', { capUnits: -1n }, 'MALFORMED'],
    ['no expiry', { expiresAtMs: 0n }, 'MALFORMED'],
    ['an expiry before all time', { expiresAtMs: -1n }, 'MALFORMED'],
  ])('%s', (_what, change, reason) => {
    expect(delegationProblem({ ...good, ...change })?.reason).toBe(reason);
  });

  it.each([
    [NOW, 'EXPIRED'],
    [NOW + 1n, undefined],
    [NOW + LIMITS.sessionKeyLifeMaxMs, undefined],
    [NOW + LIMITS.sessionKeyLifeMaxMs + 1n, 'MALFORMED'],
  ])('that expires at %s', (expiresAtMs, reason) => {
    expect(expiryProblem(expiresAtMs, NOW)?.reason).toBe(reason);
  });
});

describe('an opening by a session key', () => {
  const key = { capUnits: 100n, usedUnits: 40n, expiresAtMs: NOW + 1n, revokedAtMs: null };

  it.each([
    ['within the cap', {}, 60n, undefined],
    ['above it', {}, 61n, 'KEY_CAP_EXCEEDED'],
    ['in the moment of expiry', { expiresAtMs: NOW }, 1n, 'KEY_NOT_DELEGATED'],
    ['after the revocation', { revokedAtMs: NOW + 5n }, 1n, 'KEY_NOT_DELEGATED'],
    ['revoked and above the cap', { revokedAtMs: 1n }, 61n, 'KEY_NOT_DELEGATED'],
  ])('%s', (_what, change, depositUnits, reason) => {
    expect(openingProblem({ ...key, ...change }, depositUnits, NOW)?.reason).toBe(reason);
  });
});

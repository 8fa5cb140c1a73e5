import { describe, expect, it } from 'vitest';
import { publicChainProblem } from './public-chain.js';

describe('off a local chain', () => {
  const several = {
    hosts: ['a', 'b'],
    isKeyClear: false,
    oneNode: 'refuse',
    headSkewMaxMs: 86_400_000,
  } as const;

  it('several nodes and a guarded key are fit, and one node only when it is said to be trusted', () => {
    expect(publicChainProblem(several)).toBeUndefined();
    const one = { ...several, hosts: ['a'] };
    expect(publicChainProblem(one)).toMatch(/^a alone could invent deposits.*TRON_ONE_NODE=trust/);
    expect(publicChainProblem({ ...one, oneNode: 'trust' })).toBeUndefined();
  });

  it('a clock that may be days off is not', () => {
    expect(publicChainProblem({ ...several, headSkewMaxMs: 86_400_001 })).toMatch(
      /^HEAD_SKEW_MAX_MS is 86400001: only a local chain/,
    );
  });

  it('a key in clear never is', () => {
    const clear = { ...several, isKeyClear: true, oneNode: 'trust' } as const;
    expect(publicChainProblem(clear)).toMatch(/key in clear.*chain of a/);
  });
});

import { describe, expect, it } from 'vitest';
import { openBatch } from './open-batch.js';
import { afterFailure, halfOf, nextStep, type Observation, type OpenBatch } from './step.js';

const NOW = 1_000_000n;
const policy = { attemptsMax: 3, rebroadcastMs: 5_000n };
const unseen: Observation = {
  vaultPaidBy: undefined,
  solid: undefined,
  scannedUntilMs: NOW - 60_000n,
  includedIn: undefined,
  claimedSolid: false,
};
const attempt = {
  number: 1,
  expirationMs: NOW + 30_000n,
  broadcasts: 1,
  lastBroadcastAtMs: NOW - 1_000n,
  refusal: '',
};
const success = { succeeded: true, result: 'SUCCESS' };
const reverted = { succeeded: false, result: 'REVERT' };
const open = (
  state: 'signed' | 'broadcast' | 'confirmed',
  change: Partial<typeof attempt> = {},
  kind: 'vault' | 'single' = 'vault',
): OpenBatch => ({ state, kind, attempt: { ...attempt, ...change } });
const step = (batch: OpenBatch, seen: Partial<Observation> = {}, nowMs = NOW) =>
  nextStep(batch, { ...unseen, ...seen }, nowMs, policy);

describe('nextStep of a planned batch', () => {
  it('signs the next attempt until patience ends', () => {
    const planned = (attempts: number): OpenBatch => ({
      state: 'planned',
      kind: 'vault',
      attempts,
    });
    expect(step(planned(0))).toEqual({ do: 'sign', attempt: 1 });
    expect(step(planned(2))).toEqual({ do: 'sign', attempt: 3 });
    expect(step(planned(3))).toMatchObject({ do: 'fail' });
  });

  it('is finished when the vault has executed its id, whoever sent it', () => {
    const planned: OpenBatch = { state: 'planned', kind: 'vault', attempts: 1 };
    expect(step(planned, { vaultPaidBy: 'aa' })).toEqual({ do: 'finish', paidBy: 'aa' });
  });
});

describe('nextStep of a signed batch', () => {
  it('sends the stored bytes at once, again after a while, never after expiration', () => {
    const never = { broadcasts: 0, lastBroadcastAtMs: undefined as unknown as bigint };
    expect(step(open('signed', never))).toEqual({ do: 'broadcast' });
    expect(step(open('broadcast'))).toEqual({ do: 'wait' });
    expect(step(open('broadcast', { lastBroadcastAtMs: NOW - 5_000n }))).toEqual({
      do: 'broadcast',
    });
    expect(step(open('broadcast', { lastBroadcastAtMs: 0n, expirationMs: NOW }))).toEqual({
      do: 'wait',
    });
  });

  it('follows the block it is in, and its loss to a fork', () => {
    expect(step(open('broadcast'), { includedIn: 9n })).toEqual({ do: 'confirm', block: 9n });
    expect(step(open('signed'), { includedIn: 9n })).toEqual({ do: 'confirm', block: 9n });
    expect(step(open('confirmed'), { includedIn: 9n })).toEqual({ do: 'wait' });
    expect(step(open('confirmed'))).toEqual({ do: 'unconfirm' });
  });

  it.each(['signed', 'broadcast', 'confirmed'] as const)(
    'moves money on facts only: %s',
    (state) => {
      expect(step(open(state), { vaultPaidBy: 'bb', solid: success })).toEqual({
        do: 'finish',
        paidBy: 'bb',
      });
      expect(step(open(state, {}, 'single'), { solid: success })).toEqual({
        do: 'finish',
        paidBy: undefined,
      });
      expect(step(open(state), { solid: reverted })).toEqual({
        do: 'fail',
        reason: 'failed on chain: REVERT',
      });
      // An id that the vault has executed was paid, even when this attempt failed because of that.
      expect(step(open(state), { vaultPaidBy: 'bb', solid: reverted })).toMatchObject({
        do: 'finish',
      });
      expect(step(open(state), { solid: success })).toMatchObject({ do: 'halt' });
    },
  );
});

describe('nextStep after expiration', () => {
  const dead = { scannedUntilMs: attempt.expirationMs + 1n };
  const late = attempt.expirationMs + 1_000_000n;

  it('signs anew only after a later solidified block has been read', () => {
    expect(step(open('broadcast'), {}, late)).toEqual({ do: 'wait' });
    const edge = { scannedUntilMs: attempt.expirationMs };
    expect(step(open('broadcast'), edge, late)).toEqual({ do: 'wait' });
    expect(step(open('broadcast'), dead, late)).toEqual({ do: 'expire' });
    expect(step(open('signed'), dead, late)).toEqual({ do: 'expire' });
    expect(step(open('confirmed'), dead, late)).toEqual({ do: 'expire' });
  });

  it('does not call dead what is in a block that was read', () => {
    expect(step(open('broadcast', {}, 'single'), { ...dead, solid: success }, late)).toMatchObject({
      do: 'finish',
    });
  });

  it('halts when a node contradicts the blocks', () => {
    expect(step(open('broadcast'), { ...dead, claimedSolid: true }, late)).toMatchObject({
      do: 'halt',
    });
  });

  it('fails when the content was refused or patience ends', () => {
    expect(step(open('broadcast', { refusal: 'No asset!' }), dead, late)).toEqual({
      do: 'fail',
      reason: 'refused: No asset!',
    });
    expect(step(open('broadcast', { number: 3 }), dead, late)).toMatchObject({ do: 'fail' });
  });

  it('does not believe a refusal before that', () => {
    const refused = open('broadcast', { refusal: 'No asset!', lastBroadcastAtMs: 0n });
    expect(step(refused)).toEqual({ do: 'broadcast' });
  });
});

describe('afterFailure', () => {
  it('refunds after the last failure allowed', () => {
    expect([1, 2, 3].map((failures) => afterFailure(failures, 3))).toEqual([
      'requeue',
      'requeue',
      'refund',
    ]);
  });
});

describe('halfOf', () => {
  it('halves down to lone payouts, which are failures of their own', () => {
    expect([200, 5, 3, 2, 1].map(halfOf)).toEqual([100, 3, 2, undefined, undefined]);
  });
});

describe('openBatch', () => {
  const row = {
    state: 2,
    chainBatchId: null,
    attempts: 1,
    attempt: 1,
    expirationMs: 5n,
    broadcasts: 0,
    lastBroadcastAtMs: null,
    refusal: '',
  };

  it('reads what the table holds', () => {
    expect(openBatch(row)).toMatchObject({ state: 'signed', kind: 'single' });
    expect(openBatch({ ...row, state: 1, attempt: null, chainBatchId: Buffer.alloc(32) })).toEqual({
      state: 'planned',
      kind: 'vault',
      attempts: 1,
    });
  });

  it('refuses what cannot be', () => {
    expect(() => openBatch({ ...row, attempt: null })).toThrow('cannot be');
    expect(() => openBatch({ ...row, state: 1 })).toThrow('cannot be');
    expect(() => openBatch({ ...row, state: 6 })).toThrow('cannot be');
  });
});

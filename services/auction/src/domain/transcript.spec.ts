import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { askWith, bidWith } from './order.samples.js';
import { verdictOf } from './replay-input.js';
import { decideRound } from './round.js';
import { replay } from './transcript.js';

const head = { roundNo: 7n, swarm: 'ab'.repeat(20), clearedAtMs: 2_000n };
const entrants = {
  asks: [askWith(2, { priceUnits: 3n, slotsOpen: 2 }), askWith(1, { priceUnits: 2n })],
  bids: [
    bidWith(9, { priceUnits: 8n, slotsOpen: 2, met: ['T77'] }),
    bidWith(8, { priceUnits: 5n }),
  ],
  matchesMax: 100,
};
const round = decideRound(head, entrants);

type Fields = {
  asks: object[];
  bids: object[];
  result: { matches: unknown[]; priceUnits: string };
};

/** The transcript with one thing changed. */
function forged(change: (fields: Fields) => void): string {
  const fields = JSON.parse(round.transcript) as Fields;
  change(fields);
  return JSON.stringify(fields);
}

describe('a transcript', () => {
  it('is the same text whatever the order of the orders', () => {
    const turned = {
      ...entrants,
      asks: entrants.asks.toReversed(),
      bids: entrants.bids.toReversed(),
    };
    expect(decideRound(head, turned).transcript).toBe(round.transcript);
  });

  it('has sorted keys, decimal text for large integers, and its SHA-256 as hash', () => {
    expect(round.transcript).toBe(
      `{"asks":[{"atMs":"1000","expiresAtMs":"9000","id":"${'0'.repeat(63)}1","owner":"T1","priceUnits":"2","slotRateMib":2,"slots":1},` +
        `{"atMs":"1000","expiresAtMs":"9000","id":"${'0'.repeat(63)}2","owner":"T2","priceUnits":"3","slotRateMib":2,"slots":2}],` +
        `"bids":[{"atMs":"1000","expiresAtMs":"9000","id":"${'0'.repeat(63)}9","met":[],"owner":"T9","priceUnits":"8","slots":2,"volumeMib":"10"},` +
        `{"atMs":"1000","expiresAtMs":"9000","id":"${'0'.repeat(63)}8","met":[],"owner":"T8","priceUnits":"5","slots":1,"volumeMib":"10"}],` +
        `"clearedAtMs":"2000","matchesMax":100,"result":{"matches":[[0,0],[1,0],[1,1]],"priceUnits":"3"},` +
        `"roundNo":"7","swarm":"${'ab'.repeat(20)}","version":1}`,
    );
    expect(round.transcriptHash).toBe(createHash('sha256').update(round.transcript).digest('hex'));
  });

  it('replays to the same matches', () => {
    const found = replay(round.transcript);
    expect(found).toMatchObject({ ok: true, hash: round.transcriptHash, priceUnits: 3n, head });
    expect(found.ok && found.matches).toEqual(round.matches);
  });

  it.each([
    ['another price', forged((t) => Object.assign(t.result, { priceUnits: '4' }))],
    ['a match taken away', forged((t) => t.result.matches.pop())],
    ['a bid left out', forged((t) => t.bids.shift())],
    ['a higher limit', forged((t) => Object.assign(t.bids[1]!, { priceUnits: '9' }))],
    ['a field too many', forged((t) => Object.assign(t, { note: 'x' }))],
    ['white space', ` ${round.transcript}`],
  ])('does not replay with %s', (_what, text) => {
    expect(replay(text)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('another result'),
    });
  });

  it.each([
    ['no JSON', 'round seven', 'not a transcript'],
    ['a number', '7', 'an object is missing'],
    ['an empty object', '{}', 'swarm is not a text'],
    [
      'a broken number',
      forged((t) => Object.assign(t, { roundNo: 'x' })),
      'roundNo is not a decimal',
    ],
    ['no slots', forged((t) => Object.assign(t.asks[0]!, { slots: 0 })), 'without slots'],
    ['a short id', forged((t) => Object.assign(t.asks[0]!, { id: 'ab' })), 'id is not 32 bytes'],
    [
      'half a slot',
      forged((t) => Object.assign(t.asks[0]!, { slots: 0.5 })),
      'slots is not a whole',
    ],
    ['no list', forged((t) => Object.assign(t, { asks: 1 })), 'asks is not a list'],
    ['late orders', forged((t) => Object.assign(t, { clearedAtMs: '9000' })), 'had expired'],
  ])('is refused with %s', (_what, text, problem) => {
    expect(replay(text)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });
});

describe('the verdict on what GetRound answered', () => {
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  const answer = {
    transcript: round.transcript,
    round: { transcriptHash: base64(round.transcriptHash), priceUnits: '3' },
    matches: round.matches.map(({ matchId }) => ({ matchId: base64(matchId) })),
  };

  it('holds for what is consistent, also for a bare transcript', () => {
    expect(verdictOf(answer)).toMatchObject({ holds: true });
    expect(verdictOf({ transcript: round.transcript }).lines[0]).toBe('HOLDS');
  });

  it.each([
    ['hash', { ...answer, round: { transcriptHash: base64('00') } }, 'hash was published'],
    ['price', { ...answer, round: { priceUnits: '4' } }, 'the price is 3, not 4'],
    ['matches', { ...answer, matches: answer.matches.slice(1) }, 'not those of the transcript'],
    ['transcript', { ...answer, transcript: '{}' }, 'not a transcript'],
  ])('names a wrong %s', (_what, input, problem) => {
    const verdict = verdictOf(input);
    expect(verdict.holds).toBe(false);
    expect(verdict.lines.join('\n')).toContain(problem);
  });
});

import { describe, expect, test } from 'vitest';
import { Panel } from './panel.js';
import { within } from './within.js';

const PERIOD_MS = 1_000;
let nowMs = 0;
const now = () => nowMs;
const panelOf = (read: () => Promise<number>) =>
  new Panel({ read, periodMs: PERIOD_MS, patienceMs: 3_000 });

describe('a panel', () => {
  test('is pending, then shows what was read and when', async () => {
    nowMs = 100;
    const panel = panelOf(async () => 7);
    expect(panel.view(nowMs)).toMatchObject({ state: 'pending', value: null });
    await panel.refresh(now, true);
    expect(panel.view(nowMs)).toEqual({ state: 'ok', value: 7, atMs: 100, failure: null });
  });

  test('keeps the last value while its source fails, and says why', async () => {
    nowMs = 100;
    let failure: Error | undefined;
    const panel = panelOf(async () => {
      if (failure !== undefined) throw failure;
      return 7;
    });
    await panel.refresh(now, true);
    failure = new AggregateError([new Error('refused by ::1'), new Error('refused by 127.0.0.1')]);
    nowMs += PERIOD_MS;
    await panel.refresh(now, true);
    expect(panel.view(nowMs)).toEqual({
      state: 'failed',
      value: 7,
      atMs: 100,
      failure: 'refused by ::1; refused by 127.0.0.1',
    });
    failure = undefined;
    nowMs += PERIOD_MS;
    await panel.refresh(now, true);
    expect(panel.view(nowMs)).toMatchObject({ state: 'ok', atMs: 2_100 });
  });

  test('cuts an endless failure text', async () => {
    const panel = panelOf(() => Promise.reject(new Error('x'.repeat(9_999))));
    await panel.refresh(now, true);
    expect(panel.view(nowMs).failure).toHaveLength(300);
  });

  test('is read once a period, seldom when nobody looks', async () => {
    nowMs = 0;
    let reads = 0;
    const panel = panelOf(async () => ++reads);
    await panel.refresh(now, true);
    nowMs = PERIOD_MS - 1;
    await panel.refresh(now, true);
    expect(reads).toBe(1);
    nowMs = PERIOD_MS;
    await panel.refresh(now, false);
    expect(reads).toBe(1);
    await panel.refresh(now, true);
    expect(reads).toBe(2);
    nowMs += 10_000;
    await panel.refresh(now, false);
    expect(reads).toBe(3);
  });

  test('is never read twice at once; one that hangs shows as failed', async () => {
    nowMs = 0;
    let reads = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    const panel = panelOf(() => {
      reads++;
      return promise;
    });
    const reading = panel.refresh(now, true);
    nowMs = 4_500;
    await panel.refresh(now, true);
    expect(reads).toBe(1);
    expect(panel.view(nowMs)).toMatchObject({ state: 'failed', failure: 'no answer for 4 s' });
    resolve(1);
    await reading;
    expect(panel.view(nowMs)).toMatchObject({ state: 'ok', value: 1 });
    // A source that took 4.5 s is left alone for a while.
    nowMs += 17_000;
    await panel.refresh(now, true);
    expect(reads).toBe(1);
    nowMs += 1_000;
    await panel.refresh(now, true);
    expect(reads).toBe(2);
  });
});

test('waiting has an end', async () => {
  await expect(within(5, new Promise(() => undefined))).rejects.toThrow('no answer for 5 ms');
  await expect(within(1_000, Promise.resolve(3))).resolves.toBe(3);
  await expect(within(1_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
});

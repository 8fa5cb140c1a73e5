import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from '#libs/observability';
import { Loop } from './loop.js';

const WITHIN = { timeout: 10_000 };
const logger = createLogger({ name: 'test', level: 'silent' });

describe('Loop', () => {
  it('goes on at once while there is more, and stops when told', async () => {
    let turns = 0;
    const round = () => Promise.resolve(++turns < 5);
    const loop = new Loop({ name: 'it', pauseMs: 10_000, logger, round });
    loop.start();
    await vi.waitFor(() => expect(turns).toBe(5), WITHIN);
    await loop.stop();
    await sleep(20);
    expect(turns).toBe(5);
  });

  it('waits on stop for the turn under way', async () => {
    let ended = false;
    const round = async () => {
      await sleep(40);
      ended = true;
      return false;
    };
    const loop = new Loop({ name: 'it', pauseMs: 1, logger, round });
    loop.start();
    await sleep(10);
    await loop.stop();
    expect(ended).toBe(true);
  });

  it('is unhealthy after three failures and healthy after a success', async () => {
    let fails = true;
    const round = () => (fails ? Promise.reject(new Error('no')) : Promise.resolve(false));
    const loop = new Loop({ name: 'the job', pauseMs: 1, logger, round });
    loop.start();
    await vi.waitFor(
      () => expect(() => loop.assertHealthy()).toThrow('the job fails repeatedly'),
      WITHIN,
    );
    fails = false;
    await vi.waitFor(() => expect(() => loop.assertHealthy()).not.toThrow(), WITHIN);
    await loop.stop();
  });
});

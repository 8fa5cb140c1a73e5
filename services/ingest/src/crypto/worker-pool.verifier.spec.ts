import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '#libs/domain';
import { createLogger } from '#libs/observability';
import { EventLoopVerifier } from './event-loop.verifier.js';
import { VerifierUnavailableError } from './proof-verifier.js';
import { type AnyProof, addProof, bundleOf, DOMAIN, tickOf, voucherOf } from './proofs.kit.js';
import { WorkerPoolVerifier } from './worker-pool.verifier.js';

const logger = createLogger({ name: 'test', level: 'silent' });
const workerFile = (name: string) => new URL(`../../test/${name}.worker.ts`, import.meta.url);
const vouchers = Array.from({ length: 64 }, (_, i): AnyProof => {
  const proof = voucherOf(i);
  if (i % 3 === 0) proof[3] += 1n;
  return { kind: 'voucher', proof };
});
const holds = (i: number) => (i % 3 === 0 ? 0 : 1);

describe('a pool', () => {
  let pool: WorkerPoolVerifier;
  beforeAll(async () => {
    pool = await WorkerPoolVerifier.start({ domain: DOMAIN, logger, threads: 2 });
  });
  afterAll(() => pool.close());

  it('answers each proof at its place, however much memory a batch needs', async () => {
    const batch = pool.batch();
    for (const count of [1, 700, 3, 1500]) {
      batch.reset();
      for (let i = 0; i < count; i++) addProof(batch, vouchers[i % 64]!);
      const results = await pool.verify(batch);
      expect([...results]).toEqual(Array.from({ length: count }, (_, i) => holds(i % 64)));
    }
  });

  it('answers a batch without proofs', async () => {
    expect(await pool.verify(pool.batch())).toHaveLength(0);
  });

  // A worker may come late to a batch, when its memory already holds the next one.
  it('loses no small batch of many, with several under way', async () => {
    const ticks = [1, 2, 3].map((steps) => tickOf(steps, steps));
    const run = async (sizes: readonly number[]) => {
      const batch = pool.batch();
      for (let n = 0; n < 500; n++) {
        batch.reset();
        const size = sizes[n % sizes.length]!;
        for (let i = 0; i < size; i++) {
          const [preimage, steps, anchor] = ticks[i % 3]!;
          batch.addTick(preimage, i % 2 === 0 ? steps : steps + 1, anchor);
        }
        const results = await pool.verify(batch);
        expect(results.length).toBe(size);
        for (let i = 0; i < size; i++) if (results[i] !== 1 - (i % 2)) throw new Error(`${n}/${i}`);
      }
    };
    await Promise.all([run([1]), run([2, 700, 1]), run([600, 3]), run([5, 900])]);
  });

  it('has room for the longest tick and the widest bundle', async () => {
    const batch = pool.batch();
    addProof(batch, { kind: 'tick', proof: tickOf(1, LIMITS.tickStepsMax) });
    addProof(batch, { kind: 'bundle', proof: bundleOf(1, LIMITS.bundleEntriesMax) });
    addProof(batch, { kind: 'tick', proof: tickOf(1, LIMITS.tickStepsMax + 1) });
    addProof(batch, { kind: 'bundle', proof: bundleOf(1, LIMITS.bundleEntriesMax + 1) });
    expect([...(await pool.verify(batch))]).toEqual([1, 1, 0, 0]);
  });

  it('lets nobody touch a batch under way', async () => {
    const batch = pool.batch();
    addProof(batch, vouchers[1]!);
    const results = pool.verify(batch);
    expect(() => batch.reset()).toThrow('being verified');
    expect(() => addProof(batch, vouchers[2]!)).toThrow('being verified');
    expect(() => pool.verify(batch)).toThrow('being verified');
    expect([...(await results)]).toEqual([1]);
  });

  it('takes only batches of its own', () => {
    expect(() => pool.verify(new EventLoopVerifier(DOMAIN).batch())).toThrow(TypeError);
  });
});

describe('closing a pool', () => {
  it('waits for what is under way, and takes nothing more', async () => {
    const pool = await WorkerPoolVerifier.start({ domain: DOMAIN, logger, threads: 2 });
    const batch = pool.batch();
    for (const proof of vouchers) addProof(batch, proof);
    const results = pool.verify(batch);
    const closed = pool.close();
    expect([...(await results)]).toEqual(vouchers.map((_, i) => holds(i)));
    await closed;
    await expect(pool.verify(pool.batch())).rejects.toThrow(VerifierUnavailableError);
    await pool.close();
  });
});

describe('a pool that cannot start', () => {
  it('says that the native curve is missing', async () => {
    const start = WorkerPoolVerifier.start({
      domain: DOMAIN,
      logger,
      threads: 2,
      workerUrl: workerFile('no-native'),
    });
    const error = await start.catch((reason: Error) => reason);
    expect(String(error)).toContain('cannot start');
    expect(String((error as Error).cause)).toContain(
      'the native libsecp256k1 binding does not load',
    );
  });
});

describe('a worker that dies', () => {
  let pool: WorkerPoolVerifier;
  const start = async (threads: number) => {
    pool = await WorkerPoolVerifier.start({
      domain: DOMAIN,
      logger,
      threads,
      workerUrl: workerFile('dying'),
    });
  };
  afterEach(async () => {
    vi.useRealTimers();
    await pool.close();
  });

  const poison = (batch: ReturnType<WorkerPoolVerifier['batch']>, by: 'exception' | 'exit') => {
    for (let n = by === 'exception' ? 2 : 1; n > 0; n--)
      batch.addTick(new Uint8Array(1), 1, new Uint8Array(1));
    for (const proof of vouchers) addProof(batch, proof);
  };
  // Another thread may have taken a deadly chunk as well, so that a second death comes a moment later.
  const expectAnswers = async (batch: ReturnType<WorkerPoolVerifier['batch']>) => {
    for (let tries = 0; ; tries++) {
      batch.reset();
      for (const proof of vouchers) addProof(batch, proof);
      const results = await pool.verify(batch).catch((error: unknown) => error);
      if (results instanceof VerifierUnavailableError && tries < 2) continue;
      expect([...(results as Uint8Array)]).toEqual(vouchers.map((_, i) => holds(i)));
      return;
    }
  };

  it.each(['exception', 'exit'] as const)('by %s fails its batches and is replaced', async (by) => {
    await start(2);
    const [bad, good] = [pool.batch(), pool.batch()];
    poison(bad, by);
    for (let n = 0; n < 40; n++) for (const proof of vouchers) addProof(good, proof);
    const settled = await Promise.allSettled([pool.verify(good), pool.verify(bad)]);
    expect(settled[1]).toMatchObject({ reason: expect.any(VerifierUnavailableError) });
    // The other batch was under way on the same threads: it may fail too, but it is not answered wrongly.
    if (settled[0].status === 'fulfilled') {
      expect([...settled[0].value]).toEqual(Array.from({ length: 2560 }, (_, i) => holds(i % 64)));
    }
    pool.assertWorking();
    await expectAnswers(bad);
    await expectAnswers(good);
  });

  it('is replaced after a pause when that goes on', async () => {
    await start(1);
    const batch = pool.batch();
    for (let death = 1; death <= 6; death++) {
      if (death === 6) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      batch.reset();
      poison(batch, 'exit');
      await expect(pool.verify(batch)).rejects.toThrow(VerifierUnavailableError);
    }
    expect(() => pool.assertWorking()).toThrow('no worker thread');
    await expect(pool.verify(batch)).rejects.toThrow('no worker thread is left');
    vi.advanceTimersByTime(5_000);
    pool.assertWorking();
    await expectAnswers(batch);
  });

  it('while closing does not keep it from closing', async () => {
    await start(1);
    const batch = pool.batch();
    poison(batch, 'exception');
    const results = pool.verify(batch);
    const closed = pool.close();
    await expect(results).rejects.toThrow(VerifierUnavailableError);
    await closed;
  });
});

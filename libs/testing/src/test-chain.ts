import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../../../deploy/local/src/stack.js';

export interface TestChain {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * A local TRON chain as a process of its own, started only by the tests that need one; it ends with
 * the test process. It runs the compiled chain, so `dist` must be built (npm test does).
 */
export async function startTestChain(
  options: { blockIntervalMs?: number } = {},
): Promise<TestChain> {
  const stack = await startStack({
    dataDir: mkdtempSync(join(tmpdir(), 'swarmledger-chain-')),
    parts: ['chain'],
    guard: true,
    temporary: true,
    env: { ...process.env, TRON_NODE_URL: '' },
    ...options,
  });
  return { url: stack.urls.tronNodeUrl ?? '', stop: () => stack.stop() };
}

import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { Balances, LedgerServiceClient } from '#libs/contracts';
import { judge, LedgerRefusal, LedgerUnavailable } from './errors.js';
import { backoffMs, type CallPolicy, pause } from './policy.js';

/**
 * Balances now and after each change. A lost connection is opened again: the first answer of a new
 * one is the present state, so only intermediate states can be missed. Ends at the signal; rejects
 * with LedgerRefusal, or with LedgerUnavailable when nothing came for the policy's retry time.
 */
export async function* watchBalances(
  grpc: LedgerServiceClient,
  metadata: () => Metadata,
  policy: CallPolicy,
  signal: AbortSignal,
): AsyncGenerator<Balances> {
  let attempt = 0;
  let failingSinceMs: number | undefined;
  while (!signal.aborted) {
    const stream = grpc.watchAccount({}, metadata());
    const stop = () => stream.cancel();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const { balances } of stream as AsyncIterable<{ balances?: Balances }>) {
        attempt = 0;
        failingSinceMs = undefined;
        if (balances !== undefined) yield balances;
      }
    } catch (error) {
      if (signal.aborted) return;
      const verdict = judge(error as ServiceError);
      if (verdict.kind === 'refused') throw new LedgerRefusal(verdict.reason, verdict.detail);
      failingSinceMs ??= Date.now();
      if (verdict.kind === 'broken' || Date.now() - failingSinceMs > policy.retryForMs) {
        throw new LedgerUnavailable(`WatchAccount: ${verdict.detail}`);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stream.on('error', () => {}); // A cancelled stream still reports its end.
      stream.cancel();
    }
    attempt += 1;
    await pause(backoffMs(policy, attempt, Math.random()));
  }
}

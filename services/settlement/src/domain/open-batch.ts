import { BATCH } from './states.js';
import type { BatchKind, OpenBatch } from './step.js';

/** The columns that make an {@link OpenBatch}. */
export type OpenBatchColumns = {
  readonly state: number;
  readonly chainBatchId: Uint8Array | null;
  readonly attempts: number;
  readonly attempt: number | null;
  readonly expirationMs: bigint | null;
  readonly broadcasts: number | null;
  readonly lastBroadcastAtMs: bigint | null;
  readonly refusal: string | null;
};

const NAMES = new Map<number, 'signed' | 'broadcast' | 'confirmed'>([
  [BATCH.signed, 'signed'],
  [BATCH.broadcast, 'broadcast'],
  [BATCH.confirmed, 'confirmed'],
]);

/** Reads a stored row. Throws when state and attempt contradict one another: that would be a bug. */
export function openBatch(row: OpenBatchColumns): OpenBatch {
  const kind: BatchKind = row.chainBatchId === null ? 'single' : 'vault';
  const { attempt, expirationMs } = row;
  if (row.state === BATCH.planned && attempt === null) {
    return { state: 'planned', kind, attempts: row.attempts };
  }
  const state = NAMES.get(row.state);
  if (state === undefined || attempt === null || expirationMs === null) {
    throw new Error(`a batch in state ${row.state} with attempt ${attempt} cannot be`);
  }
  return {
    state,
    kind,
    attempt: {
      number: attempt,
      expirationMs,
      broadcasts: row.broadcasts ?? 0,
      lastBroadcastAtMs: row.lastBroadcastAtMs ?? undefined,
      refusal: row.refusal ?? '',
    },
  };
}

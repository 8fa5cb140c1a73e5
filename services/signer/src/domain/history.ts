import type { Past } from './policy.js';

/** A transaction that was signed, as it is kept. */
export type SignedRecord = {
  readonly atMs: bigint;
  readonly txid: string;
  readonly units: bigint;
  /** Batch or epoch, and a hash of what it may contain; empty for TRC-10. */
  readonly key: string;
  readonly contents: string;
  /** 0 when no epoch is committed. */
  readonly epoch: bigint;
};

type Subject = { contents: string; attempts: number };

/**
 * Everything that was signed, folded. A batch counts once within the window however often it was
 * signed, since the vault executes it once; a TRC-10 payout counts each time.
 */
export class History {
  readonly #subjects = new Map<string, Subject>();
  #recent: SignedRecord[] = [];
  #lastEpoch = 0n;

  add(record: SignedRecord): void {
    const { key, contents, epoch } = record;
    this.#recent.push(record);
    if (epoch > this.#lastEpoch) this.#lastEpoch = epoch;
    if (key === '') return;
    const attempts = (this.#subjects.get(key)?.attempts ?? 0) + 1;
    this.#subjects.set(key, { contents, attempts });
  }

  /** What counts for a transaction about `key` at `nowMs`; forgets what has left the window. */
  past(key: string | undefined, nowMs: bigint, windowMs: bigint): Past {
    this.#recent = this.#recent.filter(({ atMs }) => atMs > nowMs - windowMs);
    const units = new Map<string, bigint>();
    for (const record of this.#recent) {
      if (key === undefined || record.key !== key) {
        units.set(record.key === '' ? record.txid : record.key, record.units);
      }
    }
    return {
      windowUnits: [...units.values()].reduce((sum, each) => sum + each, 0n),
      windowTransactions: this.#recent.length,
      subject: key === undefined ? undefined : this.#subjects.get(key),
      lastEpoch: this.#lastEpoch,
    };
  }

  /** True when this very transaction was signed within the window: the answer may have been lost. */
  has(txid: string): boolean {
    return this.#recent.some((record) => record.txid === txid);
  }
}

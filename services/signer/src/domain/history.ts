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
  readonly #recent: SignedRecord[] = [];
  #lastEpoch = 0n;

  constructor(private readonly windowMs: bigint) {}

  /** Forgets what has left the window by the time of this record, not by what a clock says that went astray for a moment. */
  add(record: SignedRecord): void {
    const { key, contents, epoch } = record;
    const firstKept = this.#recent.findIndex(({ atMs }) => atMs > record.atMs - this.windowMs);
    this.#recent.splice(0, firstKept < 0 ? this.#recent.length : firstKept);
    this.#recent.push(record);
    if (epoch > this.#lastEpoch) this.#lastEpoch = epoch;
    if (key === '') return;
    const attempts = (this.#subjects.get(key)?.attempts ?? 0) + 1;
    this.#subjects.set(key, { contents, attempts });
  }

  /** What counts for a transaction about `key` at `nowMs`. */
  past(key: string | undefined, nowMs: bigint): Past {
    const recent = this.#within(nowMs);
    const units = new Map<string, bigint>();
    for (const record of recent) {
      if (key === undefined || record.key !== key) {
        units.set(record.key === '' ? record.txid : record.key, record.units);
      }
    }
    return {
      windowUnits: [...units.values()].reduce((sum, each) => sum + each, 0n),
      windowTransactions: recent.length,
      subject: key === undefined ? undefined : this.#subjects.get(key),
      lastEpoch: this.#lastEpoch,
    };
  }

  /** True when this very transaction was signed lately: the answer may have been lost. */
  has(txid: string): boolean {
    return this.#recent.some((record) => record.txid === txid);
  }

  #within(nowMs: bigint): SignedRecord[] {
    return this.#recent.filter(({ atMs }) => atMs > nowMs - this.windowMs);
  }
}

import { TOPICS } from '#libs/contracts';
import type { InRecord } from '#libs/kafka';
import type { FlushRepository, Merged } from '../repositories/flush.repository.js';
import { readBundle } from '../voucher-log/claim.js';
import { FlushColumns } from '../voucher-log/flush-columns.js';
import {
  type Applied,
  applyFlush,
  type Flush,
  type FlushDependencies,
  readOrQuarantine,
} from './flush.js';

/** What {@link ApplyVouchersService} needs. */
export type ApplyVouchersDependencies = FlushDependencies & { readonly flushes: FlushRepository };

/**
 * Applies the voucher log in sets. A flush costs a fixed number of statements, however many claims it
 * holds; only the highest of each channel reaches the database. The state it leaves is the one that
 * {@link ApplyVouchersPlainlyService} leaves, claim by claim.
 */
export class ApplyVouchersService {
  /** Columns not in use: partitions are applied at the same time, and each flush needs its own. */
  readonly #free: FlushColumns[] = [];

  constructor(private readonly deps: ApplyVouchersDependencies) {}

  nextOffset(part: number): Promise<bigint> {
    return this.deps.log.nextOffset(TOPICS.vouchers.name, part);
  }

  /** Applies records of one partition that follow on its next offset. Throws StaleWriterError when they do not. */
  async apply(part: number, records: readonly InRecord[]): Promise<Applied> {
    const columns = this.#free.pop() ?? new FlushColumns();
    try {
      return await applyFlush(this.deps, part, records, async (flush) => {
        // The transaction may begin again after a deadlock.
        columns.clear(flush.flushNo);
        await this.#book(flush, records, columns);
      });
    } finally {
      columns.clear();
      this.#free.push(columns);
    }
  }

  async #book(flush: Flush, records: readonly InRecord[], columns: FlushColumns): Promise<void> {
    for (const record of records) {
      await readOrQuarantine(flush, record, (content) => columns.add(record.offset, content));
    }
    const isSimple = columns.finalized.length === 0 && !columns.hasNext;
    await this.#bookRun(flush, columns, isSimple ? 'hash' : 'bytes');
    while (columns.hasNext) {
      columns.next();
      await this.deps.flushes.empty(flush.tx);
      await this.#bookRun(flush, columns, 'bytes');
    }
  }

  async #bookRun(flush: Flush, columns: FlushColumns, want: 'bytes' | 'hash'): Promise<void> {
    if (columns.size > 0) await this.#merge(flush, columns, want);
    for (const claim of columns.outside) await flush.applyClaim(claim);
    if (columns.finalized.length > 0) await flush.finalize(columns.finalized);
  }

  async #merge(flush: Flush, columns: FlushColumns, want: 'bytes' | 'hash'): Promise<void> {
    const { flushes } = this.deps;
    await flushes.prepare(flush.tx);
    await flushes.copy(flush.tx, columns);
    const merged = await flushes.merge(flush.tx, flush.position, want);
    flush.addMerged(merged, want);
    await this.#keepBundles(flush, columns, merged);
    if (merged.channels === columns.size) return;
    const unbooked = await flushes.unbooked(flush.tx, flush.part);
    if (unbooked.length === 0) return;
    // The highest claim hides lower ones that can be booked: these channels go claim by claim.
    for (const claim of columns.claimsOf(new Set(unbooked))) await flush.applyClaim(claim);
  }

  async #keepBundles(flush: Flush, columns: FlushColumns, { bundles }: Merged): Promise<void> {
    if (bundles.size === 0) return;
    const uses = columns.bundles(new Set(bundles.keys())).map((place) => ({
      bundle: readBundle(place),
      channels: bundles.get(place.bundleNo) ?? 0,
    }));
    await this.deps.bundles.keep(flush.tx, flush.part, uses);
  }
}

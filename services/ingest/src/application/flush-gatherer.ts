import type { Bundle } from '../domain/bundle.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { KIND, tickCost } from '../domain/claim.js';
import type { Flush } from '../domain/flush.js';
import { notSure, superseded } from '../domain/ladder.js';
import { RowMap } from '../domain/row-map.js';
import { isFoothold } from '../domain/tick.ladder.js';
import type { ClaimQueue } from './claim-queue.js';
import type { Claims } from './claims.js';
import type { FlushWriter } from './flush-writer.js';
import { INGEST_LIMITS } from './limits.js';

const NONE = -1;

/** Takes claims off the queue and groups them by channel: the claims of one flush. */
export class FlushGatherer {
  readonly #groups = new RowMap();
  readonly #footholds = new RowMap();

  constructor(
    private readonly table: ChannelTable,
    private readonly claims: Claims,
    private readonly writer: FlushWriter,
  ) {}

  /**
   * Fills an empty flush. Claims answered meanwhile are dropped, claims that no longer stand refused,
   * and claims that a pending write covers join it. A bundle is taken whole or left for the next.
   */
  gather(queue: ClaimQueue, flush: Flush, nowMs: number): void {
    let weight = 0;
    let checks = 0;
    let current: Bundle | undefined;
    for (let slot = queue.first(); slot !== NONE; slot = queue.first()) {
      const bundle = this.claims.columns.bundle(slot);
      if (bundle === undefined || bundle !== current) {
        weight += bundle?.count ?? 1;
        const isFull =
          weight > INGEST_LIMITS.flushClaimsMax || checks >= INGEST_LIMITS.flushChecksMax;
        if (isFull && flush.claims > 0) break;
        checks += bundle === undefined ? 0 : 1;
      }
      current = bundle;
      queue.shift();
      checks += this.#place(slot, flush, nowMs);
    }
    for (let group = 0; group < flush.groups; group++) {
      const groups = flush.isFoothold[group] === 1 ? this.#footholds : this.#groups;
      groups.delete(flush.row[group] ?? 0);
    }
  }

  /** Puts a claim where it belongs; returns by how many signature checks the flush grows. */
  #place(slot: number, flush: Flush, nowMs: number): number {
    const { claims } = this;
    if (!claims.isOpen(slot)) {
      claims.drop(slot);
      return 0;
    }
    claims.take(slot);
    const row = claims.row(slot);
    const isFoothold = this.#isFoothold(slot, row);
    if (!this.#stillStands(slot, row, isFoothold, nowMs)) return 0;
    if (!isFoothold && this.writer.join(slot, row)) return 0;
    flush.claims++;
    const groups = isFoothold ? this.#footholds : this.#groups;
    const group = groups.get(row);
    if (group === NONE) {
      groups.set(row, flush.open(row, slot, isFoothold));
      return this.#cost(slot, row);
    }
    const { columns } = claims;
    flush.append(group, slot, columns.next);
    const best = flush.best[group] ?? NONE;
    if (columns.units(slot) <= columns.units(best)) return 0;
    flush.best[group] = slot;
    return this.#cost(slot, row) - this.#cost(best, row);
  }

  // What changed while the claim waited: an earlier flush, a closing, marks that stay away.
  #stillStands(slot: number, row: number, isFoothold: boolean, nowMs: number): boolean {
    const { table, claims } = this;
    const refusal =
      notSure(table, row, nowMs) ??
      (isFoothold ? undefined : superseded(table, row, claims.columns.units(slot)));
    if (refusal === undefined) return true;
    claims.settle(slot, refusal);
    return false;
  }

  #isFoothold(slot: number, row: number): boolean {
    const { columns } = this.claims;
    if (columns.kind[slot] !== KIND.tick) return false;
    return isFoothold(this.table, row, columns.detail[slot] ?? 0, columns.units(slot));
  }

  // A bundle's check is counted once, by its first claim.
  #cost(slot: number, row: number): number {
    const { columns } = this.claims;
    if (columns.kind[slot] === KIND.voucher) return 1;
    if (columns.kind[slot] === KIND.bundle) return 0;
    return tickCost((columns.detail[slot] ?? 0) - this.table.tickIndex(row));
  }
}

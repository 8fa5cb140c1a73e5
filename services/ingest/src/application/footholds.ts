import type { ChannelTable } from '../domain/channel-table.js';
import { notSure, supersededBy } from '../domain/ladder.js';
import type { Claims } from './claims.js';

const NONE = -1;
const PREIMAGE_BYTES = 32;

/**
 * Answers the claims of a group of footholds: ticks that are superseded and checked all the same, so
 * that later ticks can be hashed to them. Without that, a channel on which vouchers ran ahead of ticks
 * could never take a tick again. A foothold changes no amount and is not logged; a restarted process
 * starts from the last tick in the books and is shown the ticks between once more.
 */
export class Footholds {
  constructor(
    private readonly table: ChannelTable,
    private readonly claims: Claims,
  ) {}

  /** Takes a tick whose proof holds as the one that later ticks are hashed to. */
  prove(slot: number): void {
    const { columns } = this.claims;
    const preimage = columns.proof(slot, PREIMAGE_BYTES);
    const index = columns.detail[slot] ?? 0;
    this.table.advanceTick(this.claims.row(slot), index, preimage, columns.units(slot));
  }

  /** Tells a claim that it is superseded; that may have become unsure while its proof was checked. */
  answer(slot: number, nowMs: number): void {
    const row = this.claims.row(slot);
    const unsure = notSure(this.table, row, nowMs);
    this.claims.settle(slot, unsure ?? supersededBy(this.table.acceptedUnits(row)));
  }

  /** The same for a list of claims. */
  answerList(head: number, nowMs: number): void {
    for (let slot = head; slot !== NONE; ) {
      const next = this.claims.columns.next[slot] ?? NONE;
      this.answer(slot, nowMs);
      slot = next;
    }
  }
}

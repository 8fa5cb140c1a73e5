import type { Units } from '#libs/domain';
import type { Bundle } from '../domain/bundle.js';
import type { ChannelTable } from '../domain/channel-table.js';
import type { Outcome } from '../domain/claim.js';
import { ClaimColumns } from '../domain/claim-columns.js';
import type { Submission } from './submission.js';

const NONE = -1;

/** A payment on a known channel; values are copied when it enters, so that callers may reuse theirs. */
export type Payment = {
  /** Its place in its request. */
  item: number;
  /** What its submission wants told with the outcome; the packed stream's handle. */
  tag: number;
  row: number;
  cumulativeUnits: Units;
  /** A voucher's validity in milliseconds since 1970, a tick's index. */
  detail: number;
  proof: Uint8Array;
  /** Where the proof stands in its bytes; for a bundle, the number of the entry. */
  proofAt: number;
};

/** All claims inside, each holding its channel's row in the table until it is answered. */
export class Claims {
  readonly columns: ClaimColumns<Submission>;

  constructor(
    private readonly table: ChannelTable,
    capacity: number,
  ) {
    this.columns = new ClaimColumns(capacity);
  }

  /** The slot of a new claim, or -1 when there is no room. */
  enter(
    submission: Submission,
    kind: number,
    payment: Payment,
    bundle: Bundle | undefined = undefined,
  ): number {
    const { columns } = this;
    const slot = columns.take(submission, payment.proof, bundle);
    if (slot === NONE) return NONE;
    columns.kind[slot] = kind;
    columns.row[slot] = payment.row;
    columns.item[slot] = payment.item;
    columns.tag[slot] = payment.tag;
    columns.cumulativeUnits[slot] = payment.cumulativeUnits;
    columns.detail[slot] = payment.detail;
    columns.proofAt[slot] = payment.proofAt;
    this.table.retain(payment.row);
    return slot;
  }

  row(slot: number): number {
    return this.columns.row[slot] ?? 0;
  }

  submission(slot: number): Submission {
    return this.columns.owner(slot);
  }

  isOpen(slot: number): boolean {
    return this.columns.isOpen(slot);
  }

  /** Notes that a flush has taken the claim up. */
  take(slot: number): void {
    this.submission(slot).take(this.columns.item[slot] ?? 0);
  }

  /** Answers a claim, unless its request has given up on it, and frees its slot. */
  settle(slot: number, outcome: Outcome): void {
    const { columns } = this;
    this.submission(slot).settle(columns.item[slot] ?? 0, columns.tag[slot] ?? 0, outcome);
    this.drop(slot);
  }

  /** Answers a list of claims. */
  settleList(head: number, outcome: Outcome): number {
    let count = 0;
    for (let slot = head; slot !== NONE; count++) {
      const next = this.columns.next[slot] ?? NONE;
      this.settle(slot, outcome);
      slot = next;
    }
    return count;
  }

  /** True when somebody still waits for one of a list. */
  isListOpen(head: number): boolean {
    for (let slot = head; slot !== NONE; slot = this.columns.next[slot] ?? NONE) {
      if (this.isOpen(slot)) return true;
    }
    return false;
  }

  /** Frees the slot of a claim that has its answer. */
  drop(slot: number): void {
    this.table.release(this.row(slot));
    this.columns.release(slot);
  }
}

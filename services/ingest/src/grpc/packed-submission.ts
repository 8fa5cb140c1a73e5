import type { BatchAck } from '#libs/contracts';
import { type ItemCounts, Submission } from '../application/submission.js';
import type { Outcome } from '../domain/claim.js';
import type { Budget } from '../domain/failure-budget.js';
import { itemRefusal } from './outcome.codec.js';
import type { PackedAcks } from './packed-acks.js';

/** One batch of a packed stream: acceptances become receipts of channels, refusals are kept by item. */
export class PackedSubmission extends Submission {
  readonly #refused: BatchAck['refused'] = [];

  constructor(
    counts: ItemCounts,
    sender: Budget,
    private readonly sequence: bigint,
    private readonly acks: PackedAcks,
    /** Called after everything that changes what there is to tell. */
    private readonly onNews: () => void,
    private readonly onFinish: () => void,
  ) {
    super(counts, sender);
  }

  protected override record(item: number, tag: number, outcome: Outcome): void {
    if (outcome.ok) {
      this.acks.receipt(tag, outcome);
      this.onNews();
    } else this.#refused.push(itemRefusal(item, outcome));
  }

  protected override finish(): void {
    this.acks.batch({ sequence: this.sequence, refused: this.#refused });
    this.onNews();
    this.onFinish();
  }
}

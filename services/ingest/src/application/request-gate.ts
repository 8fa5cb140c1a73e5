import { type Refusal, refuse } from '#libs/domain';
import { spentRefusal } from '../domain/claim.js';
import type { Budget } from '../domain/failure-budget.js';
import type { Admission } from './admission.js';
import type { FlushWriter } from './flush-writer.js';
import type { Flusher } from './flusher.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter } from './ports.js';
import type { Submission } from './submission.js';

/** What {@link RequestGate} is made of. */
export type RequestGateParts = {
  readonly admission: Admission;
  readonly flusher: Flusher;
  readonly writer: FlushWriter;
  readonly clock: Clock;
  readonly meter: IngestMeter;
};

/** Lets whole requests in, counts them while they are inside, and answers them when their time is up. */
export class RequestGate {
  readonly #parts: RequestGateParts;

  constructor(parts: RequestGateParts) {
    this.#parts = parts;
  }

  /**
   * Why a request cannot get in: MALFORMED (nothing in it), LIMIT_EXCEEDED, OVERLOADED (too much in
   * flight, or too many failures of this sender) or UNAVAILABLE (stopping, or the log does not
   * answer); undefined when it can.
   */
  refusal(items: number, bytes: number, sender: Budget): Refusal | undefined {
    const { admission, writer, clock } = this.#parts;
    const refusal = admission.refusal(items, bytes);
    if (refusal !== undefined) return refusal;
    const nowMs = Number(clock.nowMs());
    if (sender.isSpent(nowMs)) return spentRefusal();
    if (writer.isStalled(nowMs)) {
      return refuse('UNAVAILABLE', 'the voucher log does not answer; nothing was accepted');
    }
    return undefined;
  }

  /** Counts a request in and starts its time; the caller calls what this returns once it is answered. */
  enter(submission: Submission, bytes: number): () => void {
    const { admission, flusher, meter } = this.#parts;
    admission.enter(submission.items, bytes);
    const deadline = setTimeout(() => {
      submission.expire();
      flusher.dropAnswered();
    }, INGEST_LIMITS.answerWithinMs);
    return () => {
      clearTimeout(deadline);
      admission.leave(submission.items, bytes);
      submission.tally.report(meter);
    };
  }

  /** Lets nothing more in. */
  close(): void {
    this.#parts.admission.close();
  }
}

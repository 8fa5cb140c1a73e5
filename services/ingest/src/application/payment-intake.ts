import { type Address, type Refusal, refuse, type Units } from '#libs/domain';
import { Bundle } from '../domain/bundle.js';
import { checkBundleChannels } from '../domain/bundle.ladder.js';
import { CHANNEL, type ChannelTable } from '../domain/channel-table.js';
import { type ClaimRefusal, KIND, staleRefusal } from '../domain/claim.js';
import { aboveDeposit, checkExpiry, notAccepting, superseded } from '../domain/ladder.js';
import { checkTickStanding, mayBeBehind } from '../domain/tick.ladder.js';
import { checkVoucherStanding } from '../domain/voucher.ladder.js';
import { type ChannelLookup, lookupRefusal, NO_ROW } from './channel-lookup.js';
import type { Claims, Payment } from './claims.js';
import type { Flusher } from './flusher.js';
import { channelKey } from './open-questions.js';
import type { Clock } from './ports.js';
import { Recently } from './recently.js';
import type { Submission } from './submission.js';

const NONE = -1;
const NO_PROOF = new Uint8Array(0);

/** A bundle whose channels are known; `rows`, `tags` and `units` are parallel. */
export type BundlePayment = {
  readonly firstItem: number;
  readonly rows: ArrayLike<number>;
  readonly tags: ArrayLike<number>;
  readonly units: readonly Units[];
  readonly validUntilMs: bigint;
  /** A copy of 64 bytes. */
  readonly signature: Uint8Array;
};

/** What {@link PaymentIntake} is made of. */
export type PaymentIntakeParts = {
  readonly table: ChannelTable;
  readonly claims: Claims;
  readonly flusher: Flusher;
  readonly lookup: ChannelLookup;
  readonly clock: Clock;
};

/**
 * The rungs of the ladder from "channel known" up to the proof, for all transports. What stands goes
 * into the queue, what does not has its refusal at once, and where the books may know more than we do
 * they are asked first.
 */
export class PaymentIntake {
  readonly #parts: PaymentIntakeParts;
  readonly #lookups = new Set<Promise<void>>();
  /** Channels of whose ticks the books knew no more than we do: they are not asked again for a second. */
  readonly #askedInVain: Recently;
  /** Channels for which such a question has been paid. */
  readonly #charged: Recently;

  constructor(parts: PaymentIntakeParts) {
    this.#parts = parts;
    this.#askedInVain = new Recently(parts.clock);
    this.#charged = new Recently(parts.clock);
  }

  /** Resolves when no question to the books is open. */
  async settled(): Promise<void> {
    while (this.#lookups.size > 0) await Promise.all(this.#lookups);
  }

  /** A voucher; without a payee when its channel was named by a handle. */
  voucher(
    submission: Submission,
    payment: Payment,
    payee: Address | undefined,
    nowMs: number,
  ): void {
    const refusal = this.#checkVoucher(payment, payee, nowMs);
    if (refusal === undefined) this.#enter(submission, KIND.voucher, payment);
    else if (!this.#isStale(payment.row)) submission.settle(payment.item, payment.tag, refusal);
    else {
      const again = { ...payment };
      this.#askAgain(submission, again, (laterMs) => {
        const still = this.#checkVoucher(again, payee, laterMs);
        if (still === undefined) this.#enter(submission, KIND.voucher, again);
        else submission.settle(again.item, again.tag, still);
      });
    }
  }

  /** A tick; its `detail` is the index, its amount is computed here. */
  tick(submission: Submission, payment: Payment, nowMs: number): void {
    const refusal = this.#checkTick(payment, nowMs);
    if (refusal === undefined) this.#enter(submission, KIND.tick, payment);
    else if (this.#mayBooksKnowMore(payment, nowMs)) this.#askForTick(submission, { ...payment });
    else submission.settle(payment.item, payment.tag, refusal);
  }

  /**
   * A bundle. What is wrong with it as a whole refuses all its entries; an entry whose channel is
   * closed, whose amount is above the deposit or superseded is refused alone.
   */
  bundle(submission: Submission, bundle: BundlePayment, nowMs: number): void {
    const stale = Array.from(bundle.rows).some((row) => this.#isStale(row));
    if (!stale) {
      this.#enterBundle(submission, bundle, nowMs);
      return;
    }
    const ids = Array.from(bundle.rows, (row) => this.#parts.table.id(row));
    this.whenKnown(submission, Uint8Array.from(Buffer.concat(ids)), {
      known: (rows, laterMs) => this.#enterBundle(submission, { ...bundle, rows }, laterMs),
      unknown: (refusal) => refuseBundle(submission, bundle, refusal),
    });
  }

  /**
   * Asks the books for channels by their ids, one after another. With rows for all of them `known` is
   * called, which may use them until it returns; else `unknown`, which is told about the first.
   */
  whenKnown(
    submission: Submission,
    ids: Uint8Array,
    then: {
      readonly known: (rows: Int32Array, nowMs: number) => void;
      readonly unknown: (refusal: Refusal) => void;
    },
  ): void {
    const { lookup, table } = this.#parts;
    const asked = lookup.ask(ids).then((rows) => {
      const nowMs = this.#nowMs();
      const missing = rows.findIndex((row) => row < 0);
      if (missing < 0) then.known(rows, nowMs);
      else {
        // That the books are silent or busy is no fault of the sender.
        if (rows[missing] === NO_ROW.unknown) submission.sender.charge(1, nowMs);
        then.unknown(refusalAt(missing, rows));
      }
      for (const row of rows) if (row >= 0) table.release(row);
    });
    this.#track(asked);
  }

  #mayBooksKnowMore({ row, detail }: Payment, nowMs: number): boolean {
    const { table } = this.#parts;
    if (this.#isStale(row)) return true;
    return mayBeBehind(table, row, detail, nowMs) && !this.#askedInVain.has(keyOf(table, row));
  }

  #askForTick(submission: Submission, tick: Payment): void {
    const { table } = this.#parts;
    this.#askAgain(submission, tick, (nowMs, isAnswered) => {
      const still = this.#checkTick(tick, nowMs);
      if (still === undefined) {
        this.#enter(submission, KIND.tick, tick);
        return;
      }
      const isBehind = mayBeBehind(table, tick.row, tick.detail, nowMs);
      if (isBehind && isAnswered) {
        this.#askedInVain.note(keyOf(table, tick.row));
        // What is paid may be sent again for nothing.
        if (still.reason !== 'SUPERSEDED') this.#chargeQuestion(submission, tick.row, nowMs);
      }
      const refusal = isBehind && !isAnswered ? unansweredRefusal() : still;
      submission.settle(tick.item, tick.tag, refusal);
    });
  }

  // A question in vain costs about what a signature check costs, however many payments wait for the answer.
  #chargeQuestion(submission: Submission, row: number, nowMs: number): void {
    const key = keyOf(this.#parts.table, row);
    if (this.#charged.has(key)) return;
    this.#charged.note(key);
    submission.sender.charge(1, nowMs);
  }

  #checkVoucher(
    payment: Payment,
    payee: Address | undefined,
    nowMs: number,
  ): ClaimRefusal | undefined {
    const { table } = this.#parts;
    const { row, cumulativeUnits, detail } = payment;
    if (!table.isFresh(table.partition(row), nowMs)) return staleRefusal();
    return checkVoucherStanding(table, row, payee, cumulativeUnits, detail, nowMs);
  }

  #checkTick(payment: Payment, nowMs: number): ClaimRefusal | undefined {
    const { table } = this.#parts;
    const { row, detail } = payment;
    if (!table.isFresh(table.partition(row), nowMs)) return staleRefusal();
    payment.cumulativeUnits = table.tickUnits(row, detail);
    return checkTickStanding(table, row, detail, payment.cumulativeUnits, nowMs);
  }

  #enter(submission: Submission, kind: number, payment: Payment): void {
    const { claims, flusher } = this.#parts;
    if (!submission.isOpen(payment.item)) return;
    const slot = claims.enter(submission, kind, payment);
    if (slot === NONE) submission.settle(payment.item, payment.tag, fullRefusal());
    else flusher.enqueue(slot);
  }

  #enterBundle(submission: Submission, payment: BundlePayment, nowMs: number): void {
    const { table, claims, flusher } = this.#parts;
    const { firstItem, rows, tags, units, validUntilMs, signature } = payment;
    const refusal = this.#checkBundle(payment, nowMs);
    if (refusal !== undefined) {
      refuseBundle(submission, payment, refusal);
      return;
    }
    const bundle = new Bundle(table, rows, units, validUntilMs, signature);
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] ?? 0;
      const item = firstItem + at;
      const tag = tags[at] ?? 0;
      const cumulativeUnits = units[at] ?? 0n;
      const refused = this.#checkEntry(row, cumulativeUnits, Number(validUntilMs), nowMs);
      if (refused !== undefined) submission.settle(item, tag, refused);
      else if (submission.isOpen(item)) {
        const entry = { item, tag, row, cumulativeUnits, detail: 0, proof: NO_PROOF, proofAt: at };
        flusher.enqueue(claims.enter(submission, KIND.bundle, entry, bundle));
      }
    }
  }

  #checkBundle({ rows }: BundlePayment, nowMs: number): Refusal | undefined {
    const { table, claims } = this.#parts;
    if (!table.isFresh(table.partition(rows[0] ?? 0), nowMs)) return staleRefusal();
    if (claims.columns.room < rows.length) return fullRefusal();
    return checkBundleChannels(table, rows);
  }

  #checkEntry(
    row: number,
    cumulativeUnits: Units,
    validUntilMs: number,
    nowMs: number,
  ): ClaimRefusal | undefined {
    const { table } = this.#parts;
    return (
      notAccepting(table, row, nowMs) ??
      checkExpiry(validUntilMs, nowMs) ??
      aboveDeposit(table, row, cumulativeUnits) ??
      superseded(table, row, cumulativeUnits)
    );
  }

  #isStale(row: number): boolean {
    return this.#parts.table.state(row) === CHANNEL.stale;
  }

  /** Asks the books about a row that is held meanwhile; what they don't answer leaves it as it is. */
  #askAgain(
    submission: Submission,
    payment: Payment,
    then: (nowMs: number, isAnswered: boolean) => void,
  ): void {
    const { table, lookup } = this.#parts;
    table.retain(payment.row);
    const asked = lookup.ask(Uint8Array.from(table.id(payment.row))).then(([row = NONE]) => {
      const nowMs = this.#nowMs();
      if (row === NO_ROW.unknown) this.#chargeQuestion(submission, payment.row, nowMs);
      then(nowMs, row >= 0 || row === NO_ROW.unknown);
      if (row >= 0) table.release(row);
      table.release(payment.row);
    });
    this.#track(asked);
  }

  #track(asked: Promise<void>): void {
    this.#lookups.add(asked);
    void asked.finally(() => {
      this.#lookups.delete(asked);
      this.#parts.flusher.noteQueue();
    });
  }

  #nowMs(): number {
    return Number(this.#parts.clock.nowMs());
  }
}

function keyOf(table: ChannelTable, row: number): string {
  return channelKey(table.id(row));
}

// Not "superseded" or "no chain": the books, which are silent, may know the chain of this tick.
function unansweredRefusal(): Refusal {
  return refuse('UNAVAILABLE', 'the books do not answer, and may know more of the channel');
}

function fullRefusal(): Refusal {
  return refuse('OVERLOADED', 'too many payments are in flight');
}

/** Gives every entry of a bundle the same refusal. */
export function refuseBundle(
  submission: Submission,
  { firstItem, tags }: Pick<BundlePayment, 'firstItem' | 'tags'>,
  refusal: Refusal,
): void {
  for (let at = 0; at < tags.length; at++) {
    submission.settle(firstItem + at, tags[at] ?? 0, refusal);
  }
}

function refusalAt(missing: number, rows: Int32Array): Refusal {
  const refusal = lookupRefusal(rows[missing] ?? NONE);
  if (rows.length === 1) return refusal;
  return refuse(refusal.reason, `entry ${missing} of the bundle: ${refusal.detail}`);
}

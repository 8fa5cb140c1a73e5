import type { Reason } from '#libs/domain';
import type { ClaimKind } from '../domain/claim.js';
import type { IngestMeter } from './ports.js';

/** Outcomes of one request by kind, so that metrics are touched once per request and not per payment. */
export class PaymentTally {
  readonly #accepted: Record<ClaimKind, number> = { voucher: 0, tick: 0, bundle: 0 };
  #refused: Map<string, { kind: ClaimKind; reason: Reason; count: number }> | undefined;

  accept(kind: ClaimKind): void {
    this.#accepted[kind]++;
  }

  refuse(kind: ClaimKind, reason: Reason, count = 1): void {
    if (count === 0) return;
    this.#refused ??= new Map();
    const key = `${kind} ${reason}`;
    const known = this.#refused.get(key);
    if (known === undefined) this.#refused.set(key, { kind, reason, count });
    else known.count += count;
  }

  /** Tells the meter and starts again at nothing. */
  report(meter: IngestMeter): void {
    for (const kind of ['voucher', 'tick', 'bundle'] as const) {
      if (this.#accepted[kind] > 0) meter.accepted(kind, this.#accepted[kind]);
      this.#accepted[kind] = 0;
    }
    if (this.#refused === undefined) return;
    for (const { kind, reason, count } of this.#refused.values())
      meter.refused(kind, reason, count);
    this.#refused = undefined;
  }
}

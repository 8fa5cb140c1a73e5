import type { Units } from '#libs/domain';
import type { ChannelTable } from './channel-table.js';

/** Whether a bundle's one signature holds. */
export type Verdict = 'unknown' | 'holds' | 'fails';

/**
 * One signature for many channels of one signer. All entries stay listed, also those that were
 * refused, since the signed root is over all of them. Ids and numbers are copies: a refused entry's
 * channel may leave the table before the bundle is written.
 */
export class Bundle {
  verdict: Verdict = 'unknown';
  /** True once a sender has paid for its failed check. */
  isCharged = false;
  readonly count: number;
  readonly partition: number;
  readonly signerKey: Uint8Array;
  readonly channelNos: BigInt64Array;
  readonly cumulativeUnits: BigInt64Array;
  /** Entries that win their channel and are about to be written. */
  readonly wins: Uint8Array;
  readonly #ids: Uint8Array;

  /** Takes at least one entry, all of one signer and partition; `rows` and `units` are parallel. */
  constructor(
    table: ChannelTable,
    rows: ArrayLike<number>,
    units: readonly Units[],
    readonly validUntilMs: bigint,
    readonly signature: Uint8Array,
  ) {
    const first = rows[0] ?? 0;
    this.count = rows.length;
    this.partition = table.partition(first);
    this.signerKey = Uint8Array.from(table.signerKey(first));
    this.channelNos = new BigInt64Array(this.count);
    this.cumulativeUnits = new BigInt64Array(this.count);
    this.wins = new Uint8Array(this.count);
    this.#ids = new Uint8Array(this.count * 32);
    for (let at = 0; at < this.count; at++) {
      const row = rows[at] ?? 0;
      this.channelNos[at] = table.channelNo(row);
      this.cumulativeUnits[at] = units[at] ?? 0n;
      this.#ids.set(table.id(row), at * 32);
    }
  }

  /** A view of an entry's channel id. */
  id(at: number): Uint8Array {
    return this.#ids.subarray(at * 32, at * 32 + 32);
  }
}

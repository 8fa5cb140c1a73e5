import { type Address, addressBytes, tickUnits, type Units } from '#libs/domain';
import type { ChannelFacts } from './channel.js';
import { FixedKeys, SharedKeys } from './fixed-keys.js';
import { Marks } from './marks.js';
import { TickColumns } from './tick-columns.js';

/**
 * Where a channel is in its life, as a number that only rises, and `stale`: news of it was missed, so
 * that it takes no payments until the books are asked again. Stale is not a step of its life.
 */
export const CHANNEL = { open: 0, closing: 1, closed: 2, stale: 3 } as const;

const ORDER: Readonly<Record<ChannelFacts['state'], 0 | 1 | 2>> = {
  open: CHANNEL.open,
  closing: CHANNEL.closing,
  closed: CHANNEL.closed,
};

const SIGNER_KEY_BYTES = 65;
const ADDRESS_CHARACTERS = 34;
const ADDRESS_BYTES = 20;

// The share of rows that must stay evictable. With it the clock hand finds one in about 16 steps;
// without it a table full of held rows would be searched from end to end for each newcomer.
const EVICTABLE_SHARE = 16;

/**
 * The channels that this process knows: a cache of the books, in columns. A row is a number; nothing
 * is kept per channel on the heap, so a million channels neither cost gigabytes nor slow the collector.
 *
 * `acceptedUnits`, the tick and the state only ever move forward, so news may arrive late, twice or
 * from two sources in any order. Rows that somebody holds ({@link retain}) stay; others make room for
 * newcomers when the table is full. Views of bytes and row numbers are right while the row is held, or
 * until the next `learn` or `forget`.
 */
export class ChannelTable {
  readonly marks: Marks;
  readonly #ids: FixedKeys;
  readonly #signers: SharedKeys;
  /** By the base58 text, which is what vouchers name: comparing needs no decoding. */
  readonly #payees: SharedKeys;
  readonly #payeeBytes: Uint8Array;
  readonly #ticks: TickColumns;
  readonly #channelNo: BigInt64Array;
  readonly #acceptedUnits: BigInt64Array;
  readonly #depositUnits: BigInt64Array;
  readonly #closesAtMs: Float64Array;
  readonly #state: Uint8Array;
  readonly #stale: Uint8Array;
  readonly #used: Uint8Array;
  readonly #partition: Uint16Array;
  readonly #signer: Uint32Array;
  readonly #payee: Uint32Array;
  /** Slot of the hash chain; 0 when there is none. */
  readonly #tick: Uint32Array;
  readonly #holds: Uint32Array;
  readonly #heldMax: number;
  readonly #text = Buffer.alloc(ADDRESS_CHARACTERS);
  #held = 0;
  #hand = 0;

  /** Room for `rowsMax` channels; memory is taken as they come. */
  constructor(options: { readonly partitions: number; readonly rowsMax: number }) {
    const { partitions, rowsMax } = options;
    this.marks = new Marks(partitions);
    this.#ids = new FixedKeys(32, rowsMax);
    this.#signers = new SharedKeys(SIGNER_KEY_BYTES, rowsMax);
    this.#payees = new SharedKeys(ADDRESS_CHARACTERS, rowsMax);
    this.#payeeBytes = new Uint8Array(rowsMax * ADDRESS_BYTES);
    this.#ticks = new TickColumns(rowsMax);
    this.#channelNo = new BigInt64Array(rowsMax);
    this.#acceptedUnits = new BigInt64Array(rowsMax);
    this.#depositUnits = new BigInt64Array(rowsMax);
    this.#closesAtMs = new Float64Array(rowsMax);
    this.#state = new Uint8Array(rowsMax);
    this.#stale = new Uint8Array(rowsMax);
    this.#used = new Uint8Array(rowsMax);
    this.#partition = new Uint16Array(rowsMax);
    this.#signer = new Uint32Array(rowsMax);
    this.#payee = new Uint32Array(rowsMax);
    this.#tick = new Uint32Array(rowsMax);
    this.#holds = new Uint32Array(rowsMax);
    this.#heldMax = rowsMax - Math.floor(rowsMax / EVICTABLE_SHARE);
  }

  /** Channels that it has room for. */
  get rowsMax(): number {
    return this.#holds.length;
  }

  get partitions(): number {
    return this.marks.partitions;
  }

  /** Channels in the table. */
  get size(): number {
    return this.#ids.size;
  }

  /** Rows that somebody holds. */
  get held(): number {
    return this.#held;
  }

  /** Row of the channel whose id stands at `at`, or -1. It may be stale. */
  find(id: Uint8Array, at = 0): number {
    const row = this.#ids.find(id, at);
    if (row >= 0) this.#used[row] = 1;
    return row;
  }

  /**
   * Takes what the books answered: the row is then current. Returns it, or -1 when the table is full
   * of rows that are held.
   */
  learn(facts: ChannelFacts): number {
    let row = this.#ids.find(facts.id);
    if (row < 0) {
      if (!this.#makeRoom()) return -1;
      row = this.#add(facts);
    } else this.hear(row, facts);
    this.#stale[row] = 0;
    this.#used[row] = 1;
    return row;
  }

  /** Takes what is newer in some news of a channel. It does not make a stale row current. */
  hear(row: number, facts: ChannelFacts): void {
    const state = ORDER[facts.state];
    const closesAtMs = Number(facts.closesAtMs);
    const known = this.#state[row] ?? 0;
    if (state > known) {
      this.#state[row] = state;
      this.#closesAtMs[row] = closesAtMs;
    } else if (state === CHANNEL.closing && known === CHANNEL.closing) {
      // The payee may end at once what the payer began to end with a delay: the earlier end counts.
      if (closesAtMs < this.closesAtMs(row)) this.#closesAtMs[row] = closesAtMs;
    }
    this.raise(row, facts.acceptedUnits);
    this.#learnTicks(row, facts);
  }

  /** Distrusts a channel of which news was lost; the books are asked when it is next paid. */
  forget(row: number): void {
    if (this.#holds[row] === 0) this.#remove(row);
    else this.#stale[row] = 1;
  }

  /** Distrusts all of a partition: news was lost and nobody knows of which channels. */
  forgetPartition(partition: number): void {
    this.marks.clear(partition);
    for (let row = 0; row < this.#ids.numbersEnd; row++) {
      if (this.#signer[row] !== 0 && this.#partition[row] === partition) this.forget(row);
    }
  }

  /** Keeps the row until it is released as often. */
  retain(row: number): void {
    const holds = this.#holds[row] ?? 0;
    if (holds === 0) this.#held++;
    this.#holds[row] = holds + 1;
    this.#used[row] = 1;
  }

  release(row: number): void {
    const holds = this.#holds[row] ?? 0;
    if (holds === 0) throw new RangeError(`row ${row} is not held`);
    this.#holds[row] = holds - 1;
    if (holds > 1) return;
    this.#held--;
    if (this.#stale[row] === 1) this.#remove(row);
  }

  /** One of {@link CHANNEL}. */
  state(row: number): number {
    return this.#stale[row] === 1 ? CHANNEL.stale : (this.#state[row] ?? 0);
  }

  /** True while the channel takes payments. */
  accepts(row: number, nowMs: number): boolean {
    const state = this.state(row);
    return state === CHANNEL.open || (state === CHANNEL.closing && nowMs < this.closesAtMs(row));
  }

  /** When a closing channel stops to take payments. */
  closesAtMs(row: number): number {
    return this.#closesAtMs[row] ?? 0;
  }

  /** See {@link Marks.isFresh}. */
  isFresh(partition: number, nowMs: number): boolean {
    return this.marks.isFresh(partition, nowMs);
  }

  partition(row: number): number {
    return this.#partition[row] ?? 0;
  }

  channelNo(row: number): bigint {
    return this.#channelNo[row] ?? 0n;
  }

  depositUnits(row: number): Units {
    return this.#depositUnits[row] ?? 0n;
  }

  acceptedUnits(row: number): Units {
    return this.#acceptedUnits[row] ?? 0n;
  }

  /** Notes that the channel durably owes at least this much. */
  raise(row: number, units: Units): void {
    if (units > this.acceptedUnits(row)) this.#acceptedUnits[row] = units;
  }

  hasTicks(row: number): boolean {
    return this.#tick[row] !== 0;
  }

  tickValueUnits(row: number): Units {
    return this.#ticks.valueUnits(this.#tick[row] ?? 0);
  }

  /** What the channel owes once tick `index` of its present chain is revealed. */
  tickUnits(row: number, index: number): Units {
    const slot = this.#tick[row] ?? 0;
    return this.#ticks.baseUnits(slot) + BigInt(index) * this.#ticks.valueUnits(slot);
  }

  ticksMax(row: number): number {
    return this.#ticks.ticksMax(this.#tick[row] ?? 0);
  }

  /** The last accepted tick; later ones are hashed forward to its preimage. */
  tickIndex(row: number): number {
    return this.#ticks.index(this.#tick[row] ?? 0);
  }

  /** A view of 32 bytes: the end of the chain while no tick is accepted. */
  tickPreimage(row: number): Uint8Array {
    return this.#ticks.preimage(this.#tick[row] ?? 0);
  }

  /**
   * Notes the last accepted tick; earlier ones change nothing. `cumulativeUnits` is what the tick was
   * accepted for: a tick of a chain that was replaced meanwhile is told by it, and left out.
   */
  advanceTick(row: number, index: number, preimage: Uint8Array, cumulativeUnits: Units): void {
    if (!this.hasTicks(row) || this.tickUnits(row, index) !== cumulativeUnits) return;
    this.#ticks.advance(this.#tick[row] ?? 0, index, preimage);
  }

  /** The public key that signs the channel's payments, in the 65-byte form; a view that its channels share. */
  signerKey(row: number): Uint8Array {
    return this.#signers.view(this.signerNo(row));
  }

  /** The same number for all channels that one key signs, while one of them is here. */
  signerNo(row: number): number {
    return (this.#signer[row] ?? 0) - 1;
  }

  /** The payee's 20 bytes; a view. */
  payeeBytes(row: number): Uint8Array {
    const start = (this.#payee[row] ?? 0) * ADDRESS_BYTES;
    return this.#payeeBytes.subarray(start, start + ADDRESS_BYTES);
  }

  payee(row: number): Address {
    return String.fromCharCode(...this.#payees.view(this.#payee[row] ?? 0));
  }

  /** True when this text is the channel's payee; cheaper than making the text. */
  payeeIs(row: number, address: Address): boolean {
    const text = this.#payees.view(this.#payee[row] ?? 0);
    if (address.length !== text.length) return false;
    for (let at = 0; at < text.length; at++) {
      if (address.charCodeAt(at) !== text[at]) return false;
    }
    return true;
  }

  /** The 32 bytes of the id; a view. */
  id(row: number): Uint8Array {
    return this.#ids.view(row);
  }

  #add(facts: ChannelFacts): number {
    this.#text.write(facts.payee, 'latin1');
    const known = this.#payees.has(this.#text);
    // Throws on what is no address, so it comes before anything is changed.
    const payeeBytes = known ? undefined : addressBytes(facts.payee);
    const row = this.#ids.add(facts.id);
    const payee = this.#payees.take(this.#text);
    if (payeeBytes !== undefined) this.#payeeBytes.set(payeeBytes, payee * ADDRESS_BYTES);
    this.#payee[row] = payee;
    this.#signer[row] = this.#signers.take(facts.signerKey) + 1;
    this.#partition[row] = facts.partition;
    this.#channelNo[row] = facts.channelNo;
    this.#depositUnits[row] = facts.depositUnits;
    this.#acceptedUnits[row] = facts.acceptedUnits;
    this.#state[row] = ORDER[facts.state];
    this.#closesAtMs[row] = Number(facts.closesAtMs);
    this.#learnTicks(row, facts);
    return row;
  }

  // A chain may be committed to after the opening, and followed by another when it is used up.
  #learnTicks(row: number, { commitment, tickIndex, tickPreimage }: ChannelFacts): void {
    if (commitment === undefined) return;
    if (!this.hasTicks(row)) this.#tick[row] = this.#ticks.add(commitment);
    this.#ticks.replace(this.#tick[row] ?? 0, commitment);
    const index = Number(tickIndex);
    if (index > 0) this.advanceTick(row, index, tickPreimage, tickUnits(commitment, tickIndex));
  }

  #makeRoom(): boolean {
    if (this.size < this.#ids.keysMax) return true;
    if (this.#held >= this.#heldMax) return false;
    // Twice around at most: the first turn may only clear the marks of use.
    for (;;) {
      const row = this.#hand;
      this.#hand = (row + 1) % this.#ids.keysMax;
      if (this.#holds[row] !== 0) continue;
      if (this.#used[row] === 0) {
        this.#remove(row);
        return true;
      }
      this.#used[row] = 0;
    }
  }

  #remove(row: number): void {
    this.#ids.remove(row);
    this.#payees.drop(this.#payee[row] ?? 0);
    this.#signers.drop(this.signerNo(row));
    this.#signer[row] = 0;
    if (this.hasTicks(row)) this.#ticks.remove(this.#tick[row] ?? 0);
    this.#tick[row] = 0;
    this.#stale[row] = 0;
    this.#used[row] = 0;
  }
}

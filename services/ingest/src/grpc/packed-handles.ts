import { type HandlesOpened, PACKED_ACCEPTED } from '#libs/contracts';
import { LIMITS, type Refusal, refuse } from '#libs/domain';
import { type ChannelLookup, lookupRefusal } from '../application/channel-lookup.js';
import { CHANNEL, type ChannelTable } from '../domain/channel-table.js';
import { itemRefusal } from './outcome.codec.js';

const ID_BYTES = 32;
const NONE = -1;
const FIRST_LENGTH = 64;

/** The channels of one packed stream by handle. Their rows are held while the stream lives. */
export class PackedHandles {
  #rows = new Int32Array(FIRST_LENGTH);
  #count = 0;
  #opening: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly table: ChannelTable,
    private readonly lookup: ChannelLookup,
  ) {}

  /** Why these ids cannot be opened at all; undefined when they can. */
  refusal(ids: Uint8Array): Refusal | undefined {
    if (ids.length === 0 || ids.length % ID_BYTES !== 0) {
      return refuse('MALFORMED', `channel_ids: ${ids.length} bytes are not one or more ids of 32`);
    }
    const count = ids.length / ID_BYTES;
    if (count > LIMITS.handlesPerOpenMax) {
      return refuse('LIMIT_EXCEEDED', `at most ${LIMITS.handlesPerOpenMax} channels at once`);
    }
    if (this.#count + count > LIMITS.handlesPerStreamMax) {
      return refuse('LIMIT_EXCEEDED', `a stream has at most ${LIMITS.handlesPerStreamMax} handles`);
    }
    return undefined;
  }

  /** Row of a handle; -1 for one that was never given or whose channel was refused. */
  row(handle: number): number {
    return handle < this.#count ? (this.#rows[handle] ?? NONE) : NONE;
  }

  /** Gives handles to channels; one call at a time. */
  open(sequence: bigint, ids: Uint8Array): Promise<HandlesOpened> {
    const opened = this.#open(sequence, ids);
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  /** Lets go of all channels, once those that are being opened are known. */
  async release(): Promise<void> {
    await this.#opening;
    for (let handle = 0; handle < this.#count; handle++) {
      const row = this.row(handle);
      if (row >= 0) this.table.release(row);
    }
    this.#count = 0;
  }

  async #open(sequence: bigint, ids: Uint8Array): Promise<HandlesOpened> {
    const count = ids.length / ID_BYTES;
    const firstHandle = this.#count;
    const rows = await this.#rowsOf(ids);
    const accepted = Buffer.alloc(count * PACKED_ACCEPTED.bytes);
    const refused: HandlesOpened['refused'] = [];
    this.#reserve(firstHandle + count);
    for (let at = 0; at < count; at++) {
      const refusal = this.#put(firstHandle + at, rows[at] ?? NONE);
      if (refusal !== undefined) refused.push(itemRefusal(at, refusal));
      else this.#tell(firstHandle + at, accepted, at * PACKED_ACCEPTED.bytes);
    }
    this.#count += count;
    return { sequence, firstHandle: BigInt(firstHandle), accepted, refused };
  }

  // Rows of all ids, each held once, or numbers that say why there is none.
  async #rowsOf(ids: Uint8Array): Promise<Int32Array> {
    const { table } = this;
    const rows = new Int32Array(ids.length / ID_BYTES);
    const unknown: number[] = [];
    for (let at = 0; at < rows.length; at++) {
      const row = table.find(ids, at * ID_BYTES);
      rows[at] = row;
      if (row < 0 || table.state(row) === CHANNEL.stale) unknown.push(at);
      else table.retain(row);
    }
    if (unknown.length === 0) return rows;
    const asked = unknown.map((at) => ids.subarray(at * ID_BYTES, (at + 1) * ID_BYTES));
    const found = await this.lookup.ask(Uint8Array.from(Buffer.concat(asked)));
    unknown.forEach((at, index) => {
      rows[at] = found[index] ?? NONE;
    });
    return rows;
  }

  #put(handle: number, row: number): Refusal | undefined {
    this.#rows[handle] = NONE;
    if (row < 0) return lookupRefusal(row);
    if (this.table.state(row) === CHANNEL.closed) {
      this.table.release(row);
      return refuse('CHANNEL_CLOSED', 'the channel no longer takes payments');
    }
    this.#rows[handle] = row;
    return undefined;
  }

  #tell(handle: number, accepted: Buffer, base: number): void {
    const row = this.#rows[handle] ?? NONE;
    accepted.writeBigInt64BE(this.table.acceptedUnits(row), base + PACKED_ACCEPTED.acceptedUnits);
    const tickIndex = this.table.hasTicks(row) ? this.table.tickIndex(row) : 0;
    accepted.writeBigInt64BE(BigInt(tickIndex), base + PACKED_ACCEPTED.tickIndex);
  }

  #reserve(length: number): void {
    if (length <= this.#rows.length) return;
    const grown = new Int32Array(Math.max(length, this.#rows.length * 2));
    grown.set(this.#rows);
    this.#rows = grown;
  }
}

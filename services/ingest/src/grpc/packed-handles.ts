import { type HandlesOpened, PACKED_ACCEPTED } from '#libs/contracts';
import { LIMITS, type Refusal, refuse } from '#libs/domain';
import { type ChannelLookup, lookupRefusal, NO_ROW } from '../application/channel-lookup.js';
import { CHANNEL, type ChannelTable } from '../domain/channel-table.js';
import { itemRefusal } from './outcome.codec.js';

const ID_BYTES = 32;
const NONE = -1;
const FIRST_LENGTH = 64;

/** What one stream may hold of the channel table: two of the largest fit, and none pins it all … */
const STREAM_SHARE = 1 / 2;
/** … and how full it may be while handles are given: the rest is for channels that are paid by their ids. */
const HANDLES_SHARE = 7 / 8;

type Judge = (row: number, at: number) => Refusal | undefined;

/** The channels of one packed stream by handle. Their rows are held while the stream lives. */
export class PackedHandles {
  #rows = new Int32Array(FIRST_LENGTH);
  #count = 0;
  #held = 0;
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

  /**
   * Gives handles to channels; one call at a time. Those that are beyond what streams may hold are refused
   * unasked. `onUnknown` is told how many channels the books do not know.
   */
  open(
    sequence: bigint,
    ids: Uint8Array,
    onUnknown: (channels: number) => void,
  ): Promise<HandlesOpened> {
    const opened = this.#open(sequence, ids, onUnknown);
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  /** Gives handles that stay unusable, and asks nobody. */
  refuseAll(sequence: bigint, ids: Uint8Array, refusal: Refusal): HandlesOpened {
    return this.#give(sequence, new Int32Array(ids.length / ID_BYTES).fill(NONE), () => refusal);
  }

  /** Lets go of all channels, once those that are being opened are known. */
  async release(): Promise<void> {
    await this.#opening;
    for (let handle = 0; handle < this.#count; handle++) {
      const row = this.row(handle);
      if (row >= 0) this.table.release(row);
    }
    this.#count = 0;
    this.#held = 0;
  }

  async #open(
    sequence: bigint,
    ids: Uint8Array,
    onUnknown: (channels: number) => void,
  ): Promise<HandlesOpened> {
    const rows = new Int32Array(ids.length / ID_BYTES).fill(NO_ROW.overloaded);
    const { room, refusal } = this.#bound();
    rows.set(await this.#rowsOf(ids.subarray(0, room * ID_BYTES)));
    onUnknown(rows.filter((row) => row === NO_ROW.unknown).length);
    return this.#give(sequence, rows, (row, at) => (at < room ? this.#judge(row) : refusal));
  }

  // How many channels more this stream may hold, and what is told about all others.
  #bound(): { room: number; refusal: Refusal } {
    const { rowsMax, held } = this.table;
    const own = Math.floor(rowsMax * STREAM_SHARE) - this.#held;
    const all = Math.floor(rowsMax * HANDLES_SHARE) - held;
    const refusal =
      own <= all
        ? refuse('LIMIT_EXCEEDED', 'this stream holds as many channels as one may; open another')
        : refuse('OVERLOADED', 'all streams together hold as many channels as they may');
    return { room: Math.max(0, Math.min(own, all)), refusal };
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

  #judge(row: number): Refusal | undefined {
    if (row < 0) return lookupRefusal(row);
    if (this.table.state(row) !== CHANNEL.closed) return undefined;
    this.table.release(row);
    return refuse('CHANNEL_CLOSED', 'the channel no longer takes payments');
  }

  #give(sequence: bigint, rows: Int32Array, judge: Judge): HandlesOpened {
    const firstHandle = this.#count;
    const accepted = Buffer.alloc(rows.length * PACKED_ACCEPTED.bytes);
    const refused: HandlesOpened['refused'] = [];
    this.#reserve(firstHandle + rows.length);
    rows.forEach((row, at) => {
      const refusal = judge(row, at);
      this.#rows[firstHandle + at] = refusal === undefined ? row : NONE;
      if (refusal === undefined) {
        this.#held++;
        this.#tell(row, accepted, at * PACKED_ACCEPTED.bytes);
      } else refused.push(itemRefusal(at, refusal));
    });
    this.#count += rows.length;
    return { sequence, firstHandle: BigInt(firstHandle), accepted, refused };
  }

  #tell(row: number, accepted: Buffer, base: number): void {
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

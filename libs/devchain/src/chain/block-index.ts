const ENTRY_BYTES = 40;

/** Ids and times of all blocks from 0, 40 bytes each, so that years of empty blocks stay cheap. */
export class BlockIndex {
  private bytes = Buffer.alloc(ENTRY_BYTES * 4096);
  private count = 0;

  get headNumber(): number {
    return this.count - 1;
  }

  push(id: Uint8Array, timestampMs: number): void {
    const at = this.count * ENTRY_BYTES;
    if (at === this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(at)]);
    this.bytes.set(id, at);
    this.bytes.writeDoubleBE(timestampMs, at + 32);
    this.count += 1;
  }

  /** Forgets every block above `number`. */
  truncate(number: number): void {
    this.count = Math.min(this.count, number + 1);
  }

  /** A block's 32-byte id. @throws Error when there is no such block */
  idOf(number: number): Buffer {
    this.check(number);
    return Buffer.from(this.bytes.subarray(number * ENTRY_BYTES, number * ENTRY_BYTES + 32));
  }

  timestampOf(number: number): number {
    this.check(number);
    return this.bytes.readDoubleBE(number * ENTRY_BYTES + 32);
  }

  /** The number of the block with this id, or undefined. */
  numberOf(id: Uint8Array): number | undefined {
    if (id.length !== 32) return undefined;
    const number = Number(Buffer.from(id).readBigUInt64BE(0));
    return number < this.count && this.idOf(number).equals(id) ? number : undefined;
  }

  private check(number: number): void {
    if (!Number.isInteger(number) || number < 0 || number >= this.count) {
      throw new Error(`there is no block ${number}`);
    }
  }
}

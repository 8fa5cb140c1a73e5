/** A byte that says whether the message is compressed, and four that give its length. */
const PREFIX_BYTES = 5;

const NONE: readonly number[] = [];

/** How far the messages of one call have arrived, by their length prefixes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export class MessageProgress {
  /** Bytes of the message that has begun; 0 between messages. */
  unfinishedBytes = 0;
  #prefix = 0;
  #bodyLeft = 0;

  /** Takes what has come. Answers the bytes of each message that has ended in it, prefixes included. */
  take(chunk: Uint8Array): readonly number[] {
    let ended: number[] | undefined;
    for (let at = 0; at < chunk.length; ) {
      const step = this.#inPrefix ? this.#takePrefix(chunk[at] ?? 0) : this.#takeBody(chunk, at);
      at += step;
      this.unfinishedBytes += step;
      if (this.#inPrefix || this.#bodyLeft > 0) continue;
      ended ??= [];
      ended.push(this.unfinishedBytes);
      this.unfinishedBytes = 0;
      this.#prefix = 0;
    }
    return ended ?? NONE;
  }

  get #inPrefix(): boolean {
    return this.#prefix < PREFIX_BYTES;
  }

  #takePrefix(byte: number): number {
    // The first byte is no part of the length. An unsigned product, since a shift would make 2 GiB negative.
    this.#bodyLeft = this.#prefix === 0 ? 0 : this.#bodyLeft * 256 + byte;
    this.#prefix += 1;
    return 1;
  }

  #takeBody(chunk: Uint8Array, at: number): number {
    const step = Math.min(this.#bodyLeft, chunk.length - at);
    this.#bodyLeft -= step;
    return step;
  }
}

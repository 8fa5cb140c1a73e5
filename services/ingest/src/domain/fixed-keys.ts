/**
 * Numbers keys of one fixed length: a set in two flat arrays, without an object per key. Numbers are
 * small, dense and used again after a removal.
 *
 * The arrays are as large as they may ever become. The system gives memory to the parts that are
 * touched, so an empty set costs address space only, and growing never copies.
 */
export class FixedKeys {
  readonly #width: number;
  /** The keys; in the place of a free number, one more than the next free number. */
  readonly #bytes: Uint8Array;
  /** Open addressing with linear probing: one more than the number of the key, 0 while empty. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  // Keys can be ground by who makes them. With secret multipliers nobody can aim at a slot.
  readonly #secret = crypto.getRandomValues(new Int32Array(4)).map((word) => word | 1);
  #size = 0;
  #numbered = 0;
  #firstFree = 0;

  /** Keys of `width` bytes, at least 16, and at most `keysMax` of them. */
  constructor(
    width: number,
    readonly keysMax: number,
  ) {
    this.#width = width;
    this.#bytes = new Uint8Array(width * keysMax);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(keysMax * 2)));
    this.#mask = this.#slots.length - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Numbers given so far are below this. */
  get numbersEnd(): number {
    return this.#numbered;
  }

  /** The number of the key that stands at `at`, or -1. */
  find(key: Uint8Array, at = 0): number {
    const slots = this.#slots;
    for (let slot = this.#home(key, at); ; slot = (slot + 1) & this.#mask) {
      const number = (slots[slot] ?? 0) - 1;
      if (number < 0 || this.#isAt(number, key, at)) return number;
    }
  }

  /** Numbers a key that is not in the set; throws a RangeError when the set is full. */
  add(key: Uint8Array, at = 0): number {
    if (this.#size === this.keysMax) throw new RangeError(`there are ${this.keysMax} keys already`);
    const number = this.#freeNumber();
    let slot = this.#home(key, at);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = number + 1;
    const start = number * this.#width;
    for (let byte = 0; byte < this.#width; byte++) this.#bytes[start + byte] = key[at + byte] ?? 0;
    this.#size++;
    return number;
  }

  /** Takes a key out; its number may then be given to another. */
  remove(number: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = this.#home(this.#bytes, number * this.#width);
    while (slots[hole] !== number + 1) hole = (hole + 1) & mask;
    // Later keys of the run move up, so that a search never stops at a hole before its key.
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#home(this.#bytes, ((slots[slot] ?? 0) - 1) * this.#width);
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot] ?? 0;
      hole = slot;
    }
    slots[hole] = 0;
    this.#putLink(number, this.#firstFree);
    this.#firstFree = number + 1;
    this.#size--;
  }

  /** The key's bytes; a view that is right while the key is in the set. */
  view(number: number): Uint8Array {
    const start = number * this.#width;
    return this.#bytes.subarray(start, start + this.#width);
  }

  #freeNumber(): number {
    if (this.#firstFree === 0) return this.#numbered++;
    const number = this.#firstFree - 1;
    this.#firstFree = this.#link(number);
    return number;
  }

  #link(number: number): number {
    return word(this.#bytes, number * this.#width);
  }

  #putLink(number: number, link: number): void {
    const start = number * this.#width;
    for (let byte = 0; byte < 4; byte++) this.#bytes[start + byte] = link >>> (8 * byte);
  }

  #isAt(number: number, key: Uint8Array, at: number): boolean {
    const bytes = this.#bytes;
    const start = number * this.#width;
    for (let byte = 0; byte < this.#width; byte++) {
      if (bytes[start + byte] !== key[at + byte]) return false;
    }
    return true;
  }

  // The slot where the search for a key begins. The last 16 bytes are more than anybody can choose of
  // an id, a public key or an address.
  #home(key: Uint8Array, at: number): number {
    const from = at + this.#width - 16;
    let sum = 0;
    for (let part = 0; part < 4; part++) {
      sum = (sum + Math.imul(word(key, from + part * 4), this.#secret[part] ?? 1)) | 0;
    }
    sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
    return (sum ^ (sum >>> 13)) & this.#mask;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

/** Keys that many rows share: each is kept once, as long as somebody uses it. */
export class SharedKeys {
  readonly #keys: FixedKeys;
  readonly #uses: Uint32Array;

  constructor(width: number, keysMax: number) {
    this.#keys = new FixedKeys(width, keysMax);
    this.#uses = new Uint32Array(keysMax);
  }

  get size(): number {
    return this.#keys.size;
  }

  has(key: Uint8Array): boolean {
    return this.#keys.find(key) >= 0;
  }

  /** The key's number, now used once more. */
  take(key: Uint8Array): number {
    const known = this.#keys.find(key);
    const number = known < 0 ? this.#keys.add(key) : known;
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    return number;
  }

  /** Uses it once less. */
  drop(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    if (uses === 0) this.#keys.remove(number);
  }

  /** The key's bytes; a view that is right while the key is used. */
  view(number: number): Uint8Array {
    return this.#keys.view(number);
  }
}

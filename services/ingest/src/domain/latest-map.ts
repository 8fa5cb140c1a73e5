/**
 * A map of at most `max` values that forgets those not used lately. It keeps two halves: what is used goes into
 * the younger, and when that is full the elder is dropped. So no use costs more than a look-up or two.
 */
export class LatestMap<V> {
  #younger = new Map<string, V>();
  #elder = new Map<string, V>();

  constructor(private readonly max: number) {}

  /** The value of a key; `make` makes one that is not there. */
  get(key: string, make: () => V): V {
    const value = this.find(key);
    if (value !== undefined) return value;
    const made = make();
    this.set(key, made);
    return made;
  }

  find(key: string): V | undefined {
    const young = this.#younger.get(key);
    if (young !== undefined) return young;
    const old = this.#elder.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    this.#younger.set(key, value);
    if (this.#younger.size < this.max / 2) return;
    this.#elder = this.#younger;
    this.#younger = new Map();
  }
}

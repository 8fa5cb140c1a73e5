import type { Permissions } from './permissions.js';

/** Values of the state, immutable: a change replaces the whole value. */
export interface Account {
  readonly balanceSun: bigint;
  readonly createdAtMs: number;
  /** Contract creations by a contract; never shown. */
  readonly nonce: bigint;
  readonly kind: 'normal' | 'contract';
  readonly permissions?: Permissions;
  readonly freeNet: Usage;
  readonly net: Usage;
  readonly energy: Usage;
  readonly frozenNetSun: bigint;
  readonly frozenEnergySun: bigint;
}
/** A used amount that decays linearly to zero over a day after `atMs`. */
export interface Usage {
  readonly amount: number;
  readonly atMs: number;
}
export interface StateValues {
  account: Account;
  /** TRC-10 balance, key `address:tokenId`. */
  asset: bigint;
  /** TRC-10 token by id: its serialized AssetIssueContract. */
  token: Uint8Array;
  /** Contract code by address. */
  code: Uint8Array;
  /** Serialized SmartContract by address. */
  contract: Uint8Array;
  /** Storage word by `address:slot`, without leading zeros. */
  slot: Uint8Array;
  /** Small counters: next token id, staked totals. */
  counter: bigint;
}
export type StateKind = keyof StateValues;
export type StateKey = `${StateKind}/${string}`;
export type StateValue = StateValues[StateKind];
export type Changes = Map<StateKey, StateValue | undefined>;

/** Anything the state can be read from. */
export interface StateReader {
  read(key: StateKey): StateValue | undefined;
}

/** Typed read of one value. */
export function get<K extends StateKind>(
  reader: StateReader,
  kind: K,
  id: string,
): StateValues[K] | undefined {
  return reader.read(`${kind}/${id}`) as StateValues[K] | undefined;
}

/** The state at the head of the chain, able to look back over the blocks that may still be undone. */
export class World implements StateReader {
  private readonly values = new Map<StateKey, StateValue>();
  /** Per block above the oldest kept one: what its changes replaced. Ascending. */
  private readonly undo: { number: number; before: Changes }[] = [];

  /** @param undoBlocksMax how many of the newest blocks can be undone */
  constructor(private undoBlocksMax: number) {}

  /** Changes how many blocks can be undone from now on. */
  keep(undoBlocksMax: number): void {
    this.undoBlocksMax = undoBlocksMax;
  }

  read(key: StateKey): StateValue | undefined {
    return this.values.get(key);
  }

  /** Applies the changes of block `number`. */
  apply(number: number, changes: Changes): void {
    const before: Changes = new Map();
    for (const [key, value] of changes) {
      before.set(key, this.values.get(key));
      this.put(key, value);
    }
    this.undo.push({ number, before });
    while (this.undo.length > this.undoBlocksMax) this.undo.shift();
  }

  /** Undoes the newest block. @throws Error when its changes are no longer kept */
  revert(number: number): void {
    const last = this.undo.pop();
    if (last?.number !== number) throw new Error(`block ${number} cannot be undone`);
    for (const [key, value] of last.before) this.put(key, value);
  }

  /** The state as it was after block `number`. */
  at(number: number): StateReader {
    const later = this.undo.filter((entry) => entry.number > number);
    return {
      read: (key) => {
        const entry = later.find(({ before }) => before.has(key));
        return entry === undefined ? this.values.get(key) : entry.before.get(key);
      },
    };
  }

  private put(key: StateKey, value: StateValue | undefined): void {
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
  }
}

/** Writes on top of a reader, with nested checkpoints as the EVM needs them. */
export class Overlay implements StateReader {
  private readonly writes: Changes = new Map();
  private readonly log: { key: StateKey; had: boolean; before: StateValue | undefined }[] = [];
  private readonly marks: number[] = [];

  constructor(private readonly base: StateReader) {}

  read(key: StateKey): StateValue | undefined {
    return this.writes.has(key) ? this.writes.get(key) : this.base.read(key);
  }

  /** Typed write; undefined deletes. */
  set<K extends StateKind>(kind: K, id: string, value: StateValues[K] | undefined): void {
    const key: StateKey = `${kind}/${id}`;
    if (this.marks.length > 0) {
      this.log.push({ key, had: this.writes.has(key), before: this.writes.get(key) });
    }
    this.writes.set(key, value);
  }

  checkpoint(): void {
    this.marks.push(this.log.length);
  }

  commit(): void {
    if (this.marks.pop() === undefined) throw new Error('no checkpoint to commit');
    if (this.marks.length === 0) this.log.length = 0;
  }

  revert(): void {
    const mark = this.marks.pop();
    if (mark === undefined) throw new Error('no checkpoint to revert');
    while (this.log.length > mark) {
      const entry = this.log.pop();
      if (entry === undefined) break;
      if (entry.had) this.writes.set(entry.key, entry.before);
      else this.writes.delete(entry.key);
    }
  }

  /** Everything written so far. */
  get changes(): Changes {
    return this.writes;
  }
}

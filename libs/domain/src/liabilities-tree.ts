import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Address, addressBytes } from './address.js';
import { concatBytes, equalBytes, toHex } from './bytes.js';
import type { Units } from './money.js';
import {
  CHILD_BYTES,
  climb,
  HASH_BYTES,
  NODE_PREFIX,
  proofStep,
  SIDE,
  SUM_BYTES,
  SUM_MAX,
  SumLevel,
  siblingsOf,
} from './sum-levels.js';
import type { Hash32 } from './tick.js';

/** What an account owns, outside its channels. The salt keeps others from guessing who stands beside them. */
export type AccountLeaf = {
  readonly kind: 'account';
  readonly salt: Uint8Array;
  readonly account: Address;
  readonly units: Units;
};

/** What a channel still holds: its deposit without what was booked to the payee. */
export type ChannelLeaf = {
  readonly kind: 'channel';
  readonly salt: Uint8Array;
  readonly channelId: Uint8Array;
  readonly payer: Address;
  readonly payee: Address;
  readonly bookedUnits: Units;
  readonly remainingUnits: Units;
};

/** A line of a planned batch: whom it pays what. */
export type PayoutLeaf = {
  readonly kind: 'payout';
  /** The id under which the vault executes the batch, 32 bytes. */
  readonly chainBatchId: Uint8Array;
  readonly line: number;
  readonly payee: Address;
  readonly units: Units;
};

/** A leaf of a Merkle-sum tree; docs/vault.md has the layout. */
export type SumLeaf = AccountLeaf | ChannelLeaf | PayoutLeaf;

/** Root and total of a tree: what is committed on chain. */
export type SumRoot = { readonly root: Uint8Array; readonly totalUnits: Units };

const PREFIX = { account: 0x00, channel: 0x02, payout: 0x03 } as const;
const LINE_MAX = 2 ** 32 - 1;
const STEP_BYTES = 1 + CHILD_BYTES;
const LEVELS_MAX = 64;

/** The bytes of a leaf, which are hashed and which the vault reads. Throws a RangeError for what does not fit. */
export function leafBytes(leaf: SumLeaf): Uint8Array {
  switch (leaf.kind) {
    case 'account':
      return concatBytes(
        Uint8Array.of(PREFIX.account),
        bytes32(leaf.salt),
        addressBytes(leaf.account),
        uint64(leaf.units),
      );
    case 'channel':
      // A deposit that wraps around could hide any amount: the vault refuses such a leaf, too.
      uint64(leaf.bookedUnits + leaf.remainingUnits);
      return concatBytes(
        Uint8Array.of(PREFIX.channel),
        bytes32(leaf.salt),
        bytes32(leaf.channelId),
        addressBytes(leaf.payer),
        addressBytes(leaf.payee),
        uint64(leaf.bookedUnits),
        uint64(leaf.remainingUnits),
      );
    case 'payout':
      return concatBytes(
        Uint8Array.of(PREFIX.payout),
        bytes32(leaf.chainBatchId),
        uint32(leaf.line),
        addressBytes(leaf.payee),
        uint64(leaf.units),
      );
  }
}

/** Units of a leaf that count in the sum: its last eight bytes. */
export function leafUnits(leaf: SumLeaf): Units {
  return leaf.kind === 'channel' ? leaf.remainingUnits : leaf.units;
}

/**
 * A Merkle-sum tree over leaves, which must differ in what they are about: one per account, per channel, per line of a
 * batch. The leaves are ordered by their hashes, so that a root depends on what is owed and not on the order of rows, and
 * a place in the tree tells nothing. A last node without a neighbour moves up as it is.
 */
export class SumTree {
  /** Leaves first. */
  readonly #levels: readonly SumLevel[];
  readonly #hash: Hash32;

  /**
   * `hash` may be a faster keccak-256. Throws a RangeError without leaves, when two leaves are about the same thing,
   * or when the total leaves 64 bits.
   */
  constructor(leaves: readonly SumLeaf[], hash: Hash32 = keccak_256) {
    if (leaves.length === 0) throw new RangeError('a tree has at least one leaf');
    assertDistinct(leaves);
    this.#hash = hash;
    const bottom = new SumLevel(leaves.length);
    for (const leaf of leaves) bottom.add(hash(leafBytes(leaf)), leafUnits(leaf));
    const levels = [bottom.sorted()];
    for (const _turn of climb(levels, hash));
    this.#levels = levels;
  }

  /** Root and total. */
  get root(): SumRoot {
    const top = this.#levels.at(-1) as SumLevel;
    return { root: top.hashAt(0).slice(), totalUnits: top.sumAt(0) };
  }

  /** Proof of a leaf: 41 bytes per level, see {@link verifyLeaf}. Throws a RangeError when the tree has no such leaf. */
  prove(leaf: SumLeaf): Uint8Array {
    const place = this.#levels[0]?.find(this.#hash(leafBytes(leaf)));
    if (place === undefined) throw new RangeError('the tree has no such leaf');
    const siblings = siblingsOf(
      place,
      this.#levels.map(({ count }) => count),
    );
    const steps = siblings.map((sibling, level) =>
      sibling === undefined
        ? new Uint8Array(0)
        : proofStep(sibling, (this.#levels[level] as SumLevel).childAt(sibling)),
    );
    return concatBytes(...steps);
  }
}

/**
 * True when the leaf is in the tree with that root and total. A proof is one step per level, from the leaf up:
 * side (0: the sibling is on the left, 1: on the right) ‖ sibling's hash (32) ‖ sibling's sum (8). The vault decides
 * by the same rules (contracts/solidity/SumTree.sol).
 */
export function verifyLeaf(
  leaf: SumLeaf,
  proof: Uint8Array,
  { root, totalUnits }: SumRoot,
  hash: Hash32 = keccak_256,
): boolean {
  const reached = foldProof(leafBytes(leaf), proof, hash);
  return (
    reached !== undefined && reached.totalUnits === totalUnits && equalBytes(reached.root, root)
  );
}

/** Root and total that the bytes of a leaf and a proof lead to, or undefined when the proof is malformed. */
export function foldProof(
  leaf: Uint8Array,
  proof: Uint8Array,
  hash: Hash32 = keccak_256,
): SumRoot | undefined {
  if (leaf.length < SUM_BYTES || proof.length % STEP_BYTES !== 0) return undefined;
  if (proof.length > LEVELS_MAX * STEP_BYTES) return undefined;
  let own = concatBytes(hash(leaf), leaf.subarray(leaf.length - SUM_BYTES));
  for (let at = 0; at < proof.length; at += STEP_BYTES) {
    const side = proof[at];
    if (side !== SIDE.left && side !== SIDE.right) return undefined;
    const sibling = proof.subarray(at + 1, at + STEP_BYTES);
    const pair = side === SIDE.left ? [sibling, own] : [own, sibling];
    const sum = readSum(own) + readSum(sibling);
    if (sum > SUM_MAX) return undefined;
    own = concatBytes(hash(concatBytes(Uint8Array.of(NODE_PREFIX), ...pair)), uint64(sum));
  }
  return { root: own.slice(0, HASH_BYTES), totalUnits: readSum(own) };
}

/** A level's nodes side by side, 40 bytes each: hash ‖ sum. */
function readSum(child: Uint8Array): Units {
  return new DataView(child.buffer, child.byteOffset).getBigUint64(child.length - SUM_BYTES);
}

// Two leaves of one account would let it out once only; two of one channel would let a voucher count twice.
function assertDistinct(leaves: readonly SumLeaf[]): void {
  const seen = new Set<string>();
  for (const leaf of leaves) {
    const subject = subjectOf(leaf);
    if (seen.has(subject)) throw new RangeError(`two leaves are about ${subject}`);
    seen.add(subject);
  }
}

function subjectOf(leaf: SumLeaf): string {
  switch (leaf.kind) {
    case 'account':
      return `account ${leaf.account}`;
    case 'channel':
      return `channel ${toHex(leaf.channelId)}`;
    case 'payout':
      return `line ${leaf.line} of batch ${toHex(leaf.chainBatchId)}`;
  }
}

function bytes32(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== HASH_BYTES) throw new RangeError('expected 32 bytes');
  return bytes;
}

function uint64(units: Units): Uint8Array {
  if (units < 0n || units > SUM_MAX) throw new RangeError('not an amount of 64 bits');
  const bytes = new Uint8Array(SUM_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, units);
  return bytes;
}

function uint32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > LINE_MAX) {
    throw new RangeError('not a line of a batch');
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

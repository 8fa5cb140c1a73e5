import { sha256 } from '@noble/hashes/sha2.js';
import type { Units } from './money.js';
import type { Hash32 } from './tick.js';

/** One leaf of a bundle: the channel owes at least so much. */
export type BundleLeaf = { readonly channelId: Uint8Array; readonly cumulativeUnits: Units };

const LEAF_BYTES = 41;
const NODE_BYTES = 65;

/**
 * Merkle root of a bundle's leaves in their order. A leaf is SHA-256(0x00 ‖ channel id ‖ cumulative as
 * 8 bytes, big-endian), a node SHA-256(0x01 ‖ left ‖ right); a last node without a neighbour moves up as
 * it is. The two prefixes keep a node from passing for a leaf (RFC 6962, section 2.1); the signed count
 * of leaves keeps trees of different shapes apart.
 *
 * Throws a RangeError without leaves. `hash` may be a native SHA-256.
 */
export function bundleRoot(leaves: readonly BundleLeaf[], hash: Hash32 = sha256): Uint8Array {
  if (leaves.length === 0) throw new RangeError('a bundle has at least one leaf');
  let level = leaves.map((leaf) => hash(leafBytes(leaf)));
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = [level[at], level[at + 1]];
      if (left === undefined) break;
      above.push(right === undefined ? left : hash(nodeBytes(left, right)));
    }
    level = above;
  }
  return level[0] as Uint8Array;
}

function leafBytes({ channelId, cumulativeUnits }: BundleLeaf): Uint8Array {
  const bytes = new Uint8Array(LEAF_BYTES);
  bytes.set(channelId, 1);
  new DataView(bytes.buffer).setBigInt64(33, cumulativeUnits);
  return bytes;
}

function nodeBytes(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(NODE_BYTES);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return bytes;
}

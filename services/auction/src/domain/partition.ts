import { sha256 } from '@noble/hashes/sha2.js';
import { partitionOf } from '#libs/domain';

/**
 * Partition of a market topic for a key (a swarm, or a bid's id). Keys are made by clients; hashing
 * them first means that nobody can choose where a key goes without work.
 */
export function marketPartitionOf(key: Uint8Array, partitions: number): number {
  return partitionOf(sha256(key), partitions);
}

import secp256k1 from 'secp256k1';
import { toBase58 } from './address.js';
import { sha256 } from './hash.js';
import type { JsonObject } from './json.js';
import { encode } from './protobuf.js';
import { headerSchema } from './schema.js';

export interface BlockHeader {
  readonly number: number;
  readonly timestampMs: number;
  /** 32 bytes. */
  readonly parentId: Uint8Array;
  /** 32 bytes; all zero for a block without transactions. */
  readonly txTrieRoot: Uint8Array;
  /** 21 bytes. */
  readonly witness: Uint8Array;
}

export const BLOCK_VERSION = 34;
const ZERO_HASH = Buffer.alloc(32);

/** Merkle root over the transactions' hashes; a node without a partner moves up unchanged. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] ?? ZERO_HASH;
      const right = level[index + 1];
      next.push(right === undefined ? left : sha256(Buffer.concat([left, right])));
    }
    level = next;
  }
  return level[0] ?? ZERO_HASH;
}

/** Serialized `BlockHeader.raw`. */
export function headerBytes(header: BlockHeader): Buffer {
  return encode(headerSchema, {
    timestamp: BigInt(header.timestampMs),
    txTrieRoot: header.txTrieRoot,
    parentHash: header.parentId,
    number: BigInt(header.number),
    witness_address: header.witness,
    version: BigInt(BLOCK_VERSION),
  });
}

/** Block id: the number in 8 bytes, then the last 24 bytes of the header's SHA-256. */
export function blockId(header: BlockHeader): Buffer {
  const id = sha256(headerBytes(header));
  id.writeBigUInt64BE(BigInt(header.number), 0);
  return id;
}

/** `block_header` as java-tron prints it, signed by the witness. */
export function headerToJson(
  header: BlockHeader,
  witnessKey: Uint8Array,
  visible: boolean,
): JsonObject {
  const { signature, recid } = secp256k1.ecdsaSign(sha256(headerBytes(header)), witnessKey);
  return {
    raw_data: {
      ...(header.number === 0 ? {} : { number: BigInt(header.number) }),
      txTrieRoot: Buffer.from(header.txTrieRoot).toString('hex'),
      witness_address: visible
        ? toBase58(header.witness)
        : Buffer.from(header.witness).toString('hex'),
      parentHash: Buffer.from(header.parentId).toString('hex'),
      version: BLOCK_VERSION,
      timestamp: BigInt(header.timestampMs),
    },
    witness_signature: Buffer.concat([signature, Buffer.of(recid)]).toString('hex'),
  };
}

import { describe, expect, it } from 'vitest';
import { blockId, merkleRoot } from './block.js';
import { sha256 } from './hash.js';
import { encode } from './protobuf.js';
import { headerSchema } from './schema.js';

describe('block', () => {
  it('hashes headers as the main network does (its genesis block)', () => {
    const motto =
      'A new system must allow existing systems to be linked together without requiring any central control or coordination';
    const header = encode(headerSchema, {
      txTrieRoot: Buffer.from(
        '8ef446bf3f395af929c218014f6101ec86576c5f61b2ae3236bf3a2ab5e2fecd',
        'hex',
      ),
      parentHash: Buffer.from(
        'e58f33f9baf9305dc6f82b9f1934ea8f0ade2defb951258d50167028c780351f',
        'hex',
      ),
      witness_address: Buffer.from(motto),
    });
    expect(`${'0'.repeat(16)}${sha256(header).toString('hex').slice(16)}`).toBe(
      '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc',
    );
  });

  it('starts an id with the number', () => {
    const header = {
      number: 0x0102_0304,
      timestampMs: 1_700_000_000_000,
      parentId: Buffer.alloc(32, 1),
      txTrieRoot: Buffer.alloc(32),
      witness: Buffer.alloc(21, 0x41),
    };
    const id = blockId(header);
    expect(id.subarray(0, 8).toString('hex')).toBe('0000000001020304');
    expect(blockId({ ...header, timestampMs: header.timestampMs + 1 })).not.toEqual(id);
  });

  it('builds the Merkle root with unpaired nodes moving up', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((text) => sha256(Buffer.from(text))) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const pair = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.concat([left, right]));
    expect(merkleRoot([])).toEqual(Buffer.alloc(32));
    expect(merkleRoot([a])).toEqual(a);
    expect(merkleRoot([a, b])).toEqual(pair(a, b));
    expect(merkleRoot([a, b, c])).toEqual(pair(pair(a, b), c));
  });
});

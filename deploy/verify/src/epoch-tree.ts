import { createHmac } from 'node:crypto';
import { createKeccak } from 'hash-wasm';
import {
  addressFromBytes,
  climb,
  type Hash32,
  levelCounts,
  proofStep,
  SumLevel,
  siblingsOf,
  type Units,
} from '#libs/domain';
import { type Audit, rowsOf } from './audit.js';
import type { EpochRow } from './checks/epoch-row.js';

/** A leaf as it is kept, and what it is about. */
export type Leaf = {
  readonly kind: number;
  readonly key: string;
  readonly bytes: Buffer;
  readonly units: Units;
};

/** Bytes of a kept leaf by kind, of its key, and of its id that the salt is drawn for. */
const FORMS: Readonly<Record<number, { bytes: number; key: number; salted: number }>> = {
  0: { bytes: 28, key: 20, salted: 20 },
  2: { bytes: 88, key: 32, salted: 32 },
  3: { bytes: 64, key: 36, salted: 0 },
};
const PIECES_PER_PAGE = 20;
/** First bytes of leaves: what an account owns, what a channel holds, a line of a batch. */
export const [ACCOUNT, CHANNEL, LINE] = [0, 2, 3] as const;
export const LEAF_KINDS = [ACCOUNT, CHANNEL, LINE] as const;

/** Keccak-256 in WebAssembly, several times as fast as in JavaScript: a large tree hashes millions of times. */
export async function fastKeccak(): Promise<Hash32> {
  const keccak = await createKeccak(256);
  return (bytes) => keccak.init().update(bytes).digest('binary');
}

/** The tree of an epoch, built anew from its leaves; 80 bytes of memory a leaf. */
export class EpochTree {
  readonly #bottom: SumLevel;
  #levels: readonly SumLevel[] | undefined;

  constructor(
    private readonly secret: Buffer,
    /** Room for so many leaves; more may come. */
    capacity: number,
    private readonly hash: Hash32,
  ) {
    this.#bottom = new SumLevel(capacity);
  }

  get count(): number {
    return this.#bottom.count;
  }

  /** Levels from the sorted leaves up; there must be a leaf, and none may follow. */
  get levels(): readonly SumLevel[] {
    if (this.#levels === undefined) {
      const levels = [this.#bottom.sorted()];
      for (const _turn of climb(levels, this.hash));
      this.#levels = levels;
    }
    return this.#levels;
  }

  /** Adds a leaf; returns its bytes as they are hashed. */
  add(leaf: Leaf): Buffer {
    const bytes = saltedBytes(this.secret, leaf);
    this.#bottom.add(this.hash(bytes), leaf.units);
    return bytes;
  }

  /** The proof of a leaf that was added, by its hashed bytes. */
  prove(bytes: Buffer): Buffer {
    const place = this.levels[0]?.find(this.hash(bytes));
    if (place === undefined) throw new RangeError('the tree has no such leaf');
    const siblings = siblingsOf(place, levelCounts(this.count));
    const steps = siblings.flatMap((sibling, at) => {
      const level = this.levels[at];
      if (sibling === undefined || level === undefined) return [];
      return [proofStep(sibling, level.childAt(sibling))];
    });
    return Buffer.concat(steps);
  }
}

/** How many leaves of an epoch are kept. */
export async function leafCount(
  { sql }: Pick<Audit, 'sql'>,
  { buildNo }: Pick<EpochRow, 'buildNo'>,
): Promise<number> {
  let count = 0;
  for (const kind of LEAF_KINDS) {
    const [kept] = await sql<{ bytes: bigint }[]>`
      select coalesce(sum(octet_length(leaves)), 0)::bigint as bytes from settlement.epoch_leaves
      where build_no = ${buildNo} and kind = ${kind}`;
    count += Number(kept?.bytes ?? 0n) / (FORMS[kind]?.bytes ?? 1);
  }
  return Math.ceil(count);
}

/** The kept leaves of one kind, in their stored order. */
export async function* leavesOf(
  audit: Pick<Audit, 'sql' | 'count'>,
  { buildNo }: Pick<EpochRow, 'buildNo'>,
  kind: number,
): AsyncGenerator<Leaf & { readonly chunkNo: number; readonly firstKey: string | undefined }> {
  const form = FORMS[kind];
  if (form === undefined) return;
  const { sql } = audit;
  const pieces = sql`
    select leaves, chunk_no as "chunkNo", first_key as "firstKey" from settlement.epoch_leaves
    where build_no = ${buildNo} and kind = ${kind} order by chunk_no`;
  const uncounted = { sql, count: () => undefined };
  for await (const piece of rowsOf<Piece>(uncounted, pieces, PIECES_PER_PAGE)) {
    const { leaves, chunkNo, firstKey } = piece;
    audit.count(Math.floor(leaves.length / form.bytes));
    for (let at = 0; at + form.bytes <= leaves.length; at += form.bytes) {
      const bytes = leaves.subarray(at, at + form.bytes);
      const units = bytes.readBigUInt64BE(form.bytes - 8);
      const first = at === 0 ? firstKey : undefined;
      yield { kind, key: keyOf(kind, bytes), bytes, units, chunkNo, firstKey: first };
    }
  }
}

type Piece = { readonly leaves: Buffer; readonly chunkNo: number; readonly firstKey: string };

function keyOf(kind: number, bytes: Buffer): string {
  const key = bytes.subarray(0, FORMS[kind]?.key);
  return kind === ACCOUNT ? addressFromBytes(key) : key.toString('hex');
}

/** The bytes of a leaf that are hashed: first byte, salt, content (docs/vault.md). */
function saltedBytes(secret: Buffer, leaf: Leaf): Buffer {
  const kind = Buffer.of(leaf.kind);
  const salted = FORMS[leaf.kind]?.salted ?? 0;
  if (salted === 0) return Buffer.concat([kind, leaf.bytes]);
  const id = leaf.bytes.subarray(0, salted);
  const salt = createHmac('sha256', secret)
    .update(Buffer.concat([kind, id]))
    .digest();
  return Buffer.concat([kind, salt, leaf.bytes]);
}

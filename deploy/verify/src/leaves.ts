import { addressFromBytes, parseAddress, type Units } from '#libs/domain';
import { type Audit, rowsOf } from './audit.js';
import type { EpochRow } from './checks/epoch-row.js';

/** A leaf as it is kept, without its salt, and what it is about. */
export type Leaf = {
  readonly kind: number;
  readonly bytes: Buffer;
  /** The bytes of its key. They rise as the keys do. */
  readonly id: Buffer;
  readonly units: Units;
};

/** A leaf in the piece that it is kept in. */
export type KeptLeaf = Leaf & {
  readonly chunkNo: number;
  /** What the piece says of its first leaf, which this is. */
  readonly firstKey: string | undefined;
};

/** Bytes of a kept leaf by kind, of its key, and of its id that the salt is drawn for. */
export const FORMS: Readonly<Record<number, { bytes: number; key: number; salted: number }>> = {
  0: { bytes: 28, key: 20, salted: 20 },
  2: { bytes: 88, key: 32, salted: 32 },
  3: { bytes: 64, key: 36, salted: 0 },
};
const PIECES_PER_PAGE = 20;
/** First bytes of leaves: what an account owns, what a channel holds, a line of a batch. */
export const [ACCOUNT, CHANNEL, LINE] = [0, 2, 3] as const;
export const LEAF_KINDS = [ACCOUNT, CHANNEL, LINE] as const;

type Piece = { readonly leaves: Buffer; readonly chunkNo: number; readonly firstKey: string };
type OfEpoch = Pick<EpochRow, 'buildNo'>;

/** How many leaves of an epoch are kept. */
export async function leafCount(
  { sql }: Pick<Audit, 'sql'>,
  { buildNo }: OfEpoch,
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
  { sql, count }: Pick<Audit, 'sql' | 'count'>,
  { buildNo }: OfEpoch,
  kind: number,
): AsyncGenerator<KeptLeaf> {
  const form = FORMS[kind];
  if (form === undefined) return;
  const pieces = sql`
    select leaves, chunk_no as "chunkNo", first_key as "firstKey" from settlement.epoch_leaves
    where build_no = ${buildNo} and kind = ${kind} order by chunk_no`;
  const uncounted = { sql, count: () => undefined };
  for await (const piece of rowsOf<Piece>(uncounted, pieces, PIECES_PER_PAGE)) {
    const { leaves, chunkNo, firstKey } = piece;
    count(Math.floor(leaves.length / form.bytes));
    for (let at = 0; at + form.bytes <= leaves.length; at += form.bytes) {
      const bytes = leaves.subarray(at, at + form.bytes);
      const units = bytes.readBigUInt64BE(form.bytes - 8);
      const id = bytes.subarray(0, form.key);
      yield { kind, bytes, id, units, chunkNo, firstKey: at === 0 ? firstKey : undefined };
    }
  }
}

/** The key of a leaf, as text, by its bytes. */
export function keyOf(kind: number, id: Buffer): string {
  if (kind !== ACCOUNT) return id.toString('hex');
  return id.length === FORMS[ACCOUNT]?.key ? addressFromBytes(id) : id.toString();
}

/** The bytes of a key. Of an address that is none its letters: no leaf has such a key. */
export function idOf(kind: number, key: string): Buffer {
  if (kind !== ACCOUNT) return Buffer.from(key, 'hex');
  return Buffer.from(parseAddress(key) ?? key);
}

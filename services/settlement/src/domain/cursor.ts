/** Cursors of lists that run from the newest row to the oldest: the key of the last row shown, opaque to callers. */

/** What a cursor of numbered rows belongs to; one of another list is refused. */
export type NumberedList = 'batch' | 'payout' | 'epoch';

/** Key of a deposit in the order of the chain. */
export type DepositKey = {
  readonly blockNumber: bigint;
  readonly txid: Uint8Array;
  readonly index: number;
};

/** Key of a foreign token in the order of the chain. */
export type ForeignTokenKey = {
  readonly lastBlock: bigint;
  readonly token: string;
  readonly recipient: string;
};

/** The cursor behind a numbered row. */
export function encodeCursor(list: NumberedList, number: bigint): string {
  return base64(`${list}:${number}`);
}

/** The number in a cursor; 'newest' for an empty one, undefined for one that we did not make for this list. */
export function decodeCursor(list: NumberedList, cursor: string): bigint | 'newest' | undefined {
  if (cursor === '') return 'newest';
  const [, name, digits] = /^([a-z]+):(\d{1,18})$/.exec(text(cursor)) ?? [];
  return name !== list || digits === undefined ? undefined : BigInt(digits);
}

/** The cursor behind a deposit. */
export function encodeDepositCursor({ blockNumber, txid, index }: DepositKey): string {
  return base64(`deposit:${blockNumber}:${Buffer.from(txid).toString('hex')}:${index}`);
}

/** The key in a cursor; 'newest' for an empty one, undefined for one that we did not make. */
export function decodeDepositCursor(cursor: string): DepositKey | 'newest' | undefined {
  if (cursor === '') return 'newest';
  const [, block, txid, index] =
    /^deposit:(\d{1,18}):([0-9a-f]{64}):(\d{1,9})$/.exec(text(cursor)) ?? [];
  if (block === undefined || txid === undefined || index === undefined) return undefined;
  return { blockNumber: BigInt(block), txid: Buffer.from(txid, 'hex'), index: Number(index) };
}

/** The cursor behind a foreign token. */
export function encodeForeignCursor({ lastBlock, token, recipient }: ForeignTokenKey): string {
  return base64(`foreign:${lastBlock}:${token}:${recipient}`);
}

/** The key in a cursor; 'newest' for an empty one, undefined for one that we did not make. */
export function decodeForeignCursor(cursor: string): ForeignTokenKey | 'newest' | undefined {
  if (cursor === '') return 'newest';
  const [, block, token, recipient] =
    /^foreign:(\d{1,18}):(\w{1,34}):(\w{34})$/.exec(text(cursor)) ?? [];
  if (block === undefined || token === undefined || recipient === undefined) return undefined;
  return { lastBlock: BigInt(block), token, recipient };
}

const base64 = (plain: string) => Buffer.from(plain, 'utf8').toString('base64url');
const text = (cursor: string) => Buffer.from(cursor, 'base64url').toString('utf8');

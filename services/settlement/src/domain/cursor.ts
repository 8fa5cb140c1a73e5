/** Cursors of ListBatches: the number of the last batch shown, opaque to callers. */

export function encodeCursor(batchNo: bigint): string {
  return Buffer.from(`batch:${batchNo}`, 'utf8').toString('base64url');
}

/** The number in a cursor; 'newest' for an empty one, undefined for one that we did not make. */
export function decodeCursor(cursor: string): bigint | 'newest' | undefined {
  if (cursor === '') return 'newest';
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const digits = /^batch:(\d{1,18})$/.exec(text)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

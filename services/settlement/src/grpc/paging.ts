import type { PageRequest } from '#libs/contracts';
import { LIMITS, refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';

const PAGE_DEFAULT = 100;

/** Where a page begins, undefined for the newest row, and how many rows it has at most. */
export type Page<Key> = { readonly before: Key | undefined; readonly limit: number };

/** Reads which page is asked for. Throws a refusal: LIMIT_EXCEEDED or BAD_CURSOR. */
export function readPage<Key>(
  page: PageRequest | undefined,
  decode: (cursor: string) => Key | 'newest' | undefined,
): Page<Key> {
  const { cursor = '', limit: asked = 0 } = page ?? {};
  const limit = asked === 0 ? PAGE_DEFAULT : asked;
  if (limit < 1 || limit > LIMITS.pageMax) {
    throw new RefusedError(refuse('LIMIT_EXCEEDED', `limit must be 1 to ${LIMITS.pageMax}`));
  }
  const before = decode(cursor);
  if (before === undefined) {
    throw new RefusedError(refuse('BAD_CURSOR', 'the cursor was not made by this API'));
  }
  return { before: before === 'newest' ? undefined : before, limit };
}

/** Cuts `limit + 1` rows to the page and tells the cursor of the next one; empty at the end. */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
): { rows: Row[]; nextCursor: string } {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return { rows: shown, nextCursor: last === undefined ? '' : cursorOf(last) };
}

import { accept, LIMITS, type Result, refuse } from '#libs/domain';

const DEFAULT_PAGE = 100;

/** A page asked for: a position as whole numbers (empty for the start) and a size. */
export type Page = { readonly after: readonly bigint[]; readonly limit: number };

/** Packs a position so that clients do not build on its inside. */
export function encodeCursor(position: readonly bigint[]): string {
  return Buffer.from(`v1:${position.join(':')}`).toString('base64url');
}

/** Unpacks a page request whose position has the given number of parts. */
export function parsePage(
  page: { cursor: string; limit: number } | undefined,
  parts: number,
): Result<Page> {
  const limit = page?.limit === undefined || page.limit === 0 ? DEFAULT_PAGE : page.limit;
  if (limit < 1 || limit > LIMITS.pageMax) {
    return refuse('LIMIT_EXCEEDED', `a page has 1 to ${LIMITS.pageMax} entries`);
  }
  const cursor = page?.cursor ?? '';
  if (cursor === '') return accept({ after: [], limit });
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!new RegExp(`^v1(:-?\\d{1,19}){${parts}}$`).test(text)) {
    return refuse('BAD_CURSOR', 'the cursor was not made by this API');
  }
  return accept({ after: text.split(':').slice(1).map(BigInt), limit });
}

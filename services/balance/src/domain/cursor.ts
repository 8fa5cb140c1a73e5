import { accept, LIMITS, type Result, refuse } from '#libs/domain';

const DEFAULT_PAGE = 100;

/** Which whole numbers a part of a position may be: those of its column. */
const RANGES = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/** Type of the column that a part of a position is compared with. */
export type PositionPart = keyof typeof RANGES;

/** A page asked for: a position as whole numbers (empty for the start) and a size. */
export type Page = { readonly after: readonly bigint[]; readonly limit: number };

/** Packs a position so that clients do not build on its inside. */
export function encodeCursor(position: readonly bigint[]): string {
  return Buffer.from(`v1:${position.join(':')}`).toString('base64url');
}

/** Unpacks a page request whose position has the given parts. LIMIT_EXCEEDED, BAD_CURSOR. */
export function parsePage(
  page: { cursor: string; limit: number } | undefined,
  parts: readonly PositionPart[],
): Result<Page> {
  const limit = page?.limit === undefined || page.limit === 0 ? DEFAULT_PAGE : page.limit;
  if (limit < 1 || limit > LIMITS.pageMax) {
    return refuse('LIMIT_EXCEEDED', `a page has 1 to ${LIMITS.pageMax} entries`);
  }
  const cursor = page?.cursor ?? '';
  if (cursor === '') return accept({ after: [], limit });
  const text = Buffer.from(cursor, 'base64url').toString();
  const after = /^v1(:-?\d{1,19})*$/.test(text) ? text.split(':').slice(1).map(BigInt) : [];
  const fits = parts.every((part, at) => isWithin(after[at], RANGES[part]));
  return fits && after.length === parts.length
    ? accept({ after, limit })
    : refuse('BAD_CURSOR', 'the cursor was not made by this API');
}

function isWithin(value: bigint | undefined, [min, max]: readonly [bigint, bigint]): boolean {
  return value !== undefined && min <= value && value <= max;
}

import { accept, LIMITS, type Result, refuse } from '#libs/domain';

const DEFAULT_PAGE = 100;

/** A page of rounds asked for: below which number (none for the newest), and how many. */
export type RoundPage = { readonly below: bigint | undefined; readonly limit: number };

/** Packs a position so that clients do not build on its inside. */
export function encodeCursor(roundNo: bigint): string {
  return Buffer.from(`v1:${roundNo}`).toString('base64url');
}

/** Unpacks a page request. Refuses LIMIT_EXCEEDED, BAD_CURSOR. */
export function parsePage(page: { cursor: string; limit: number } | undefined): Result<RoundPage> {
  const limit = page?.limit === undefined || page.limit === 0 ? DEFAULT_PAGE : page.limit;
  if (limit < 1 || limit > LIMITS.pageMax) {
    return refuse('LIMIT_EXCEEDED', `a page has 1 to ${LIMITS.pageMax} entries`);
  }
  const cursor = page?.cursor ?? '';
  if (cursor === '') return accept({ below: undefined, limit });
  const [, roundNo] = /^v1:(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (roundNo === undefined) return refuse('BAD_CURSOR', 'the cursor was not made by this API');
  return accept({ below: BigInt(roundNo), limit });
}

import type { Database } from '#libs/database';
import type { TronChain } from '#libs/tron';
import type { Audit, Check, Place } from '../src/audit.js';
import { type Difference, DifferenceError } from '../src/difference.js';

/** The first difference that some checks find which ask the chain nothing. */
export function differenceOf(
  owner: Database,
  checks: readonly Check[],
  place: Place = { chainId: 0n, vault: '', trc10Id: '' },
): Promise<Difference | undefined> {
  return owner.snapshot(async (sql) => {
    const chain = undefined as unknown as TronChain;
    const nothing = () => undefined;
    const audit: Audit = { sql, chain, place, lastEpoch: 0n, count: nothing, note: nothing };
    try {
      for (const check of checks) await check.run(audit);
      return undefined;
    } catch (error) {
      if (error instanceof DifferenceError) return error.difference;
      throw error;
    }
  });
}

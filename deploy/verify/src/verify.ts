import type { Database } from '#libs/database';
import type { TronChain } from '#libs/tron';
import { type Audit, type Check, type Place, readAtLeisure } from './audit.js';
import { BATCH_CHECKS } from './checks/batches.js';
import { CHAIN_CHECKS } from './checks/chains.js';
import { CLAIM_SET_CHECKS } from './checks/claim-sets.js';
import { CLAIM_CHECKS } from './checks/claims.js';
import { CONTENT_CHECKS } from './checks/contents.js';
import { EPOCH_RECORD_CHECKS } from './checks/epoch-records.js';
import { COMMITTED_CHECKS, TREE_CHECKS } from './checks/epochs.js';
import { EXPLANATION_CHECKS } from './checks/explanations.js';
import { MARKET_CHECKS } from './checks/market.js';
import { QUEUE_CHECKS } from './checks/queue.js';
import { RESERVE_CHECKS } from './checks/reserves.js';
import { SCAN_CHECKS } from './checks/scan.js';
import { TABLE_CHECKS } from './checks/tables.js';
import { type Difference, DifferenceError } from './difference.js';
import { lastEpochOnChain } from './vault.js';

/** In this order: what a later check relies on was checked before. */
const CHECKS: readonly Check[] = [
  ...CHAIN_CHECKS,
  ...TABLE_CHECKS,
  ...CLAIM_CHECKS,
  ...CONTENT_CHECKS,
  ...MARKET_CHECKS,
  ...BATCH_CHECKS,
  ...CLAIM_SET_CHECKS,
  ...QUEUE_CHECKS,
  ...SCAN_CHECKS,
  ...COMMITTED_CHECKS,
  ...EPOCH_RECORD_CHECKS,
  ...TREE_CHECKS,
  ...EXPLANATION_CHECKS,
  ...RESERVE_CHECKS,
];

/** What was checked, and the first thing that did not agree. */
export type Verdict = {
  readonly checks: readonly { readonly name: string; readonly rows: number }[];
  readonly difference: Difference | undefined;
  /** What agrees only because an operator has said so. */
  readonly notes: readonly string[];
};

/** Hears of progress: which check of how many, and the rows it has looked at. */
export type Listener = (name: string, at: number, of: number, rows: number) => void;

/** Checks everything against the journal, the keys and the chain, in one snapshot of the database. */
export async function verifyAll(
  database: Database,
  chain: TronChain,
  place: Place,
  listen: Listener = () => undefined,
): Promise<Verdict> {
  const lastEpoch = await lastEpochOnChain({ chain, place });
  return database.snapshot(async (sql) => {
    await readAtLeisure(sql);
    const checks: { name: string; rows: number }[] = [];
    const notes: string[] = [];
    for (const [at, check] of CHECKS.entries()) {
      const done = { name: check.name, rows: 0 };
      checks.push(done);
      listen(check.name, at, CHECKS.length, 0);
      const count = (rows: number) => {
        done.rows += rows;
        listen(check.name, at, CHECKS.length, done.rows);
      };
      const audit: Audit = {
        sql,
        chain,
        place,
        lastEpoch,
        count,
        note: (text) => notes.push(text),
      };
      try {
        await check.run(audit);
      } catch (error) {
        if (!(error instanceof DifferenceError)) throw error;
        return { checks, difference: error.difference, notes };
      }
    }
    return { checks, difference: undefined, notes };
  });
}

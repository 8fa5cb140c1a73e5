import type { Database } from '#libs/database';
import {
  addTotals,
  type ChainTotals,
  linkAfter,
  NO_TOTALS,
  netOf,
  OPERATIONS_PART,
} from '../domain/flush-chain.js';
import { ledgerAccountKindOf, POSTING_KINDS } from '../domain/posting.js';
import type { ChainRepository, OperationSum } from '../repositories/chain.repository.js';
import type { Clock } from './clock.js';

const OPERATIONS_PER_LINK = 2_000;

/** Puts committed operations into their hash chain, in one place and off their own way. */
export class SealOperationsService {
  constructor(
    private readonly database: Database,
    private readonly chain: ChainRepository,
    private readonly clock: Clock,
  ) {}

  /** Seals what waits; returns how many operations that were, 0 while another process seals. */
  async round(): Promise<number> {
    return this.database.transaction(async (tx) => {
      if (!(await this.chain.lockSealer(tx))) return 0;
      const operations = await this.chain.unsealed(tx.sql, OPERATIONS_PER_LINK);
      if (operations.length === 0) return 0;
      const head = await this.chain.head(tx.sql, OPERATIONS_PART);
      const sums = await this.chain.operationSums(tx.sql, operations);
      const totals = totalsOfOperations(sums);
      const sealed = BigInt(operations.length);
      const link = linkAfter(head, {
        firstOffset: head.nextOffset,
        nextOffset: head.nextOffset + sealed,
        operations,
        atMs: this.clock(),
        postings: totals.postings,
        units: sums.reduce((sum, { units }) => sum + units, 0n),
        postingsHash: await this.chain.operationsHash(tx, operations),
        adds: totals,
      });
      await this.chain.append(tx, link);
      await this.chain.markSealed(tx, operations);
      return operations.length;
    });
  }
}

/** What postings of operations add to the sums of a chain. */
export function totalsOfOperations(sums: readonly OperationSum[]): ChainTotals {
  return sums.map(totalsOf).reduce(addTotals, NO_TOTALS);
}

function totalsOf({ kind, debitKind, creditKind, asset, postings, units }: OperationSum) {
  const { deposit, 'channel-open': open, lease, 'withdraw-paid': paid } = POSTING_KINDS;
  const debit = ledgerAccountKindOf(debitKind);
  const credit = ledgerAccountKindOf(creditKind);
  const byAsset = [1, 2].map((number) => (number === asset ? units : 0n));
  return {
    postings,
    opened: kind === open || kind === lease ? postings : 0n,
    closed: 0n,
    netUnits: netOf(debit, credit, units),
    depositedUnits: kind === deposit ? byAsset : [0n, 0n],
    withdrawnUnits: kind === paid ? byAsset : [0n, 0n],
  };
}

import type { Database, Transaction } from '#libs/database';
import { accept, type Result, refuse } from '#libs/domain';
import { durably } from './batch-transaction.repository.js';

/** An operator's word about a transaction of the hot wallet that settlement has not signed. */
export type Explanation = {
  /** 32 bytes. */
  readonly txid: Uint8Array;
  readonly operator: string;
  readonly reason: string;
};

/** Rows of `settlement.explanations`: written once, never changed. */
export class ExplanationRepository {
  constructor(private readonly database: Database) {}

  /** Keeps an explanation. True when the same was kept before. NOT_FOUND, NOT_PERMITTED. */
  keep(explanation: Explanation, nowMs: bigint): Promise<Result<boolean>> {
    return durably(this.database, (tx) => keepIn(tx, explanation, nowMs));
  }
}

async function keepIn(
  tx: Transaction,
  { operator, reason, ...of }: Explanation,
  nowMs: bigint,
): Promise<Result<boolean>> {
  const txid = Buffer.from(of.txid);
  const [own] = await tx.sql<{ unexplained: boolean }[]>`
    select unexplained from settlement.own_transactions where txid = ${txid}`;
  if (own === undefined) {
    return refuse('NOT_FOUND', 'no transaction of the hot wallet with this id was read');
  }
  if (!own.unexplained) return refuse('NOT_PERMITTED', 'this transaction needs no explanation');
  // The seal is over the other columns by `|`, as verify computes it (deploy/verify/src/checks/explanations.ts).
  const kept = await tx.sql`
    insert into settlement.explanations (txid, operator, reason, explained_at_ms, hash)
    values (${txid}, ${operator}, ${reason}, ${nowMs}, sha256(convert_to(
      concat(${txid.toString('hex')}::text, '|', ${operator}::text, '|', ${reason}::text, '|',
        ${nowMs}::bigint), 'UTF8')))
    on conflict do nothing`;
  if (kept.count === 1) return accept(false);
  const [before] = await tx.sql<Explanation[]>`
    select txid, operator, reason from settlement.explanations where txid = ${txid}`;
  if (before?.operator === operator && before.reason === reason) return accept(true);
  return refuse('NOT_PERMITTED', `${before?.operator} has explained it: ${before?.reason}`);
}

import { createHash } from 'node:crypto';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { comparing } from './comparison.js';

/** Whatever the hot wallet has done and is in none of the tables of attempts is marked, and nothing else is. */
const MARKS = `
  select encode(o.txid, 'hex') as key,
    jsonb_build_object('unexplained', o.succeeded and a.txid is null and e.txid is null
      and r.txid is null) as expected,
    jsonb_build_object('unexplained', o.unexplained) as found
  from settlement.own_transactions o
  left join settlement.attempts a on a.txid = o.txid
  left join settlement.epoch_attempts e on e.txid = o.txid
  left join settlement.release_attempts r on r.txid = o.txid`;

/** A transaction of the hot wallet that it should not have sent, and what an operator says of it. */
type Marked = {
  readonly txid: Buffer;
  readonly unexplained: boolean | null;
  readonly operator: string | null;
  readonly reason: string | null;
  readonly atMs: bigint | null;
  readonly hash: Buffer | null;
};

/** Every one that is marked is explained, and tells so; explanations are as they were given, and of nothing else. */
async function explained(audit: Audit): Promise<void> {
  const { sql, note } = audit;
  const rows = sql<Marked[]>`
    select coalesce(o.txid, e.txid) as txid, o.unexplained, e.operator, e.reason,
      e.explained_at_ms as "atMs", e.hash
    from (select txid, unexplained from settlement.own_transactions where unexplained) o
    full join settlement.explanations e on e.txid = o.txid
    order by 1`;
  for await (const { txid, unexplained, operator, reason, atMs, hash } of rowsOf<Marked>(
    audit,
    rows,
  )) {
    const key = txid.toString('hex');
    if (hash === null) {
      const row = { table: 'settlement.own_transactions', key };
      differ(row, 'an attempt with this transaction, or an explanation of it', 'none');
    }
    const row = { table: 'settlement.explanations', key };
    const text = [key, operator, reason, atMs].join('|');
    agree(row, 'seal', createHash('sha256').update(text).digest(), hash);
    agree(row, 'a transaction of the hot wallet without an attempt', true, unexplained ?? false);
    note(`not signed here, explained by ${operator}: transaction ${key}: ${reason}`);
  }
}

export const EXPLANATION_CHECKS: readonly Check[] = [
  comparing({
    name: 'Marks of the hot wallet’s transactions',
    table: 'settlement.own_transactions',
    rows: MARKS,
  }),
  { name: 'Explanations', run: explained },
];

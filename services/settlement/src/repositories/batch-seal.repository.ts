import type { Transaction } from '#libs/database';

/** What a seal is over. */
export type Sealed = 'plan' | 'decision' | 'end';

/**
 * Seals a batch in the transaction that plans it, in that of an operator's decision about it, and in the one that ends
 * it: SHA-256 over its columns, and when it is planned over its lines, so that a later change by hand is seen. `npm run
 * verify` computes it again from the same text: columns and lines by `|`, null as nothing, bytes as hex
 * (deploy/verify/src/checks/batches.ts). A claim set says so at the end.
 */
export async function sealBatch(tx: Transaction, batchNo: bigint, what: Sealed): Promise<void> {
  const { sql } = tx;
  const decision = sql`b.approved, '|', b.decided_by, '|', b.decided_at_ms, '|', b.decision_note`;
  const texts = {
    end: sql`concat(b.batch_no, '|', b.state, '|', b.attempts, '|', encode(b.txid, 'hex'), '|',
        b.energy_used, '|', b.fee_sun, '|', b.failure, '|', b.solidified_at_ms, '|', ${decision},
        case when b.to_claim then concat('|claimable until ', b.claimable_until_s) end)`,
    decision: sql`concat(b.batch_no, '|', ${decision})`,
    plan: sql`concat(b.batch_no, '|', b.asset, '|', encode(b.chain_batch_id, 'hex'), '|', b.payouts, '|',
        b.total_units, '|', b.planned_at_ms, '|', b.needs_approval, (
          select string_agg(concat('|', l.line, '|', encode(l.withdrawal_id, 'hex'), '|',
            l.destination, '|', l.units), '' order by l.line)
          from settlement.batch_payouts l where l.batch_no = b.batch_no),
        case when b.to_claim then '|to claim' end)`,
  };
  await sql`
    insert into settlement.batch_seals (batch_no, ended, decided, hash)
    select b.batch_no, ${what === 'end'}, ${what === 'decision'},
      sha256(convert_to(${texts[what]}, 'UTF8'))
    from settlement.batches b where b.batch_no = ${batchNo}`;
}

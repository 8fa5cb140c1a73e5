import { equalBytes, type Units } from '#libs/domain';
import { type ChainCall, encodeVaultCall } from '#libs/tron';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { transactionIn } from '../vault.js';
import { comparing } from './comparison.js';
import { epochKey } from './epoch-row.js';
import { type OwnRow, ownAgrees, ownColumns } from './own.js';
import { countsAgree, isOurs, type SignedRow, signedColumns } from './signed.js';

type SentEpoch = {
  readonly epochNo: bigint;
  readonly state: number;
  readonly root: Buffer;
  readonly totalUnits: Units;
  readonly attempts: number;
  readonly txid: Buffer | null;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
};

const SOLIDIFIED = 5;

/** Withdrawals outside their accounts' leaves are lines of batches. */
const PAYOUTS = `
  select format('epoch %s, withdrawal %s', p.epoch_no, encode(p.withdrawal_id, 'hex')) as key,
    jsonb_build_object('epoch', true, 'withdrawal', encode(l.withdrawal_id, 'hex'),
      'has a leaf', p.in_tree and b.chain_batch_id is not null) as expected,
    jsonb_build_object('epoch', e.epoch_no is not null,
      'withdrawal', encode(p.withdrawal_id, 'hex'), 'has a leaf', p.in_tree) as found
  from settlement.epoch_payouts p
  left join settlement.batches b on b.batch_no = p.batch_no
  left join settlement.epochs e on e.epoch_no = p.epoch_no
  left join settlement.batch_payouts l on l.batch_no = p.batch_no and l.line = p.line`;

/**
 * Batches that an epoch lets go have all their payouts in it. Vault batches that have, it lets go; a TRC-10 payout is let
 * go by the first epoch that leaves it out, since it is not signed before.
 */
const BATCHES = `
  select format('epoch %s, batch %s', coalesce(c.epoch_no, t.epoch_no),
      coalesce(c.batch_no, t.batch_no)) as key,
    jsonb_build_object('is whole', coalesce(t.lines = b.payouts, false)) as expected,
    jsonb_build_object('is whole', c.batch_no is not null) as found
  from settlement.epoch_batches c full join (
    select p.epoch_no, p.batch_no,
      bool_or(in_tree) or p.epoch_no = min(p.epoch_no) over (partition by p.batch_no) as lets_go,
      count(*) filter (where in_tree or o.chain_batch_id is null) as lines
    from settlement.epoch_payouts p left join settlement.batches o on o.batch_no = p.batch_no
    group by p.epoch_no, p.batch_no
  ) t on t.epoch_no = c.epoch_no and t.batch_no = c.batch_no
  left join settlement.batches b on b.batch_no = coalesce(c.batch_no, t.batch_no)
  where c.batch_no is not null or t.lets_go`;

/** What was signed for an epoch commits its root and total, and the chain has it. */
async function sent(audit: Audit): Promise<void> {
  const { sql } = audit;
  const rows = sql<SentEpoch[]>`
    select epoch_no as "epochNo", state::int, root, total_units as "totalUnits", attempts, txid,
      energy_used as "energyUsed", fee_sun as "feeSun" from settlement.epochs order by epoch_no`;
  for await (const epoch of rowsOf<SentEpoch>(audit, rows)) {
    await attempts(audit, epoch);
    if (epoch.state === SOLIDIFIED) await committed(audit, epoch);
  }
}

async function attempts(audit: Audit, epoch: SentEpoch): Promise<void> {
  const { sql } = audit;
  const rows = await sql<SignedRow[]>`
    select ${signedColumns(sql)} from settlement.epoch_attempts
    where epoch_no = ${epoch.epochNo} order by attempt`;
  agree(epochKey(epoch), 'attempts', rows.length, epoch.attempts);
  const does = {
    what: 'root and total of the epoch',
    test: (call: ChainCall) => commits(audit, epoch, call),
  };
  for (const [at, row] of rows.entries()) {
    const key = `epoch ${epoch.epochNo}, attempt ${row.attempt}`;
    const ofAttempt = { table: 'settlement.epoch_attempts', key };
    agree(ofAttempt, 'attempt', at + 1, row.attempt);
    await isOurs(audit, ofAttempt, row, does);
  }
  countsAgree(epochKey(epoch), epoch, rows);
}

function commits({ place }: Audit, epoch: SentEpoch, call: ChainCall): boolean {
  if (call.kind !== 'trigger' || call.contract !== place.vault) return false;
  const { epochNo, totalUnits } = epoch;
  const root = epoch.root.toString('hex');
  const data = encodeVaultCall({ method: 'commitEpoch', epoch: epochNo, root, totalUnits });
  return equalBytes(call.data, data);
}

async function committed(audit: Audit, epoch: SentEpoch): Promise<void> {
  const { sql } = audit;
  const [own] = await sql<OwnRow[]>`
    select ${ownColumns(sql)} from settlement.own_transactions o where o.txid = ${epoch.txid}`;
  const row = epochKey(epoch);
  if (own === undefined) differ(row, 'its transaction among those of the hot wallet', 'none');
  const found = ownAgrees(own, await transactionIn(audit, own.blockNumber, own.txid));
  agree(row, 'energy', found.energyUsed, epoch.energyUsed);
  agree(row, 'fee in sun', found.feeSun, epoch.feeSun);
}

export const EPOCH_RECORD_CHECKS: readonly Check[] = [
  { name: 'Transactions of epochs', run: sent },
  comparing({ name: 'Payouts in epochs', table: 'settlement.epoch_payouts', rows: PAYOUTS }),
  comparing({ name: 'Batches in epochs', table: 'settlement.epoch_batches', rows: BATCHES }),
];

import { equalBytes, SumTree, toHex, type Units } from '#libs/domain';
import { type ChainCall, claimSetOf, encodeVaultCall, readClaimed } from '#libs/tron';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { transactionIn } from '../vault.js';
import type { BatchRow, LineRow } from './batch-row.js';
import { isOurs, OPEN, type SignedRow, signedColumns } from './signed.js';

/** What makes a batch a claim set. */
type Claims = Pick<BatchRow, 'batchNo' | 'chainBatchId' | 'claimableUntilS'> & {
  readonly lines: readonly Pick<LineRow, 'destination' | 'units'>[];
};

/** A batch that may be claimed, and what settlement has noted of it. */
type SetRow = Claims & {
  readonly state: number;
  readonly setState: number | null;
  readonly attempts: number | null;
  readonly claimedUnits: Units;
  readonly released: boolean;
  readonly refunded: number;
};

type ClaimedRow = {
  readonly batchNo: bigint;
  readonly chainBatchId: Buffer;
  readonly line: number;
  readonly txid: Buffer;
  readonly blockNumber: bigint;
  readonly isLine: boolean;
};

const [PLANNED, SOLIDIFIED] = [1, 5];
const NO_ROOT = '0'.repeat(64);

/** Call data with which the vault reserves a batch for claims. */
export function commitData(claims: Claims): Uint8Array {
  const { chainBatchId, claimableUntilS } = claims;
  const { root, totalUnits } = rootOf(claims);
  return encodeVaultCall({
    method: 'commitClaims',
    batchId: toHex(chainBatchId ?? new Uint8Array(32)),
    root: toHex(root),
    totalUnits,
    claimableUntilS: claimableUntilS ?? 0n,
  });
}

function rootOf({ chainBatchId, lines }: Claims) {
  const id = chainBatchId ?? new Uint8Array(32);
  const leaves = lines.map(({ destination: payee, units }, line) => {
    return { kind: 'payout' as const, chainBatchId: id, line, payee, units: BigInt(units) };
  });
  return new SumTree(leaves).root;
}

/** The vault has each set as it was planned, and what was claimed and released of it is on record. */
async function sets(audit: Audit): Promise<void> {
  for await (const set of rowsOf<SetRow>(audit, setsOf(audit))) {
    const row = { table: 'settlement.claim_sets', key: `batch ${set.batchNo}` };
    agree(row, 'is committed', set.state === SOLIDIFIED, set.setState !== null);
    if (set.chainBatchId === null) differ(row, 'an id on chain', 'none');
    const found = await claimSetOf(audit.chain, audit.place.vault, set.chainBatchId);
    if (set.state !== SOLIDIFIED) {
      // One that is on its way may be there already.
      if (set.state > SOLIDIFIED) agree(row, 'root on chain', found.root, NO_ROOT);
      continue;
    }
    const { root, totalUnits } = rootOf(set);
    agree(row, 'root on chain', found.root, toHex(root));
    agree(row, 'total on chain', found.totalUnits, totalUnits);
    agree(row, 'deadline on chain', found.claimableUntilS, set.claimableUntilS);
    const over = set.setState === SOLIDIFIED;
    // What is on the chain and not read yet is no difference while the set is open.
    if (over) agree(row, 'units claimed on chain', found.claimedUnits, set.claimedUnits);
    else if (found.claimedUnits < set.claimedUnits) {
      differ(row, `${found.claimedUnits} units claimed on chain`, `${set.claimedUnits}`);
    }
    if (set.released) agree(row, 'released on chain', found.released, true);
    if (set.refunded > 0 && !set.released) differ(row, 'a release', `${set.refunded} refunds`);
    if (over && !set.released) agree(row, 'units claimed', totalUnits, set.claimedUnits);
    await releases(audit, set);
  }
}

/** What was signed to release a set does that and no more. */
async function releases(audit: Audit, set: SetRow): Promise<void> {
  const { sql, place } = audit;
  const rows = await sql<SignedRow[]>`
    select ${signedColumns(sql)} from settlement.release_attempts
    where batch_no = ${set.batchNo} order by attempt`;
  const ofSet = { table: 'settlement.claim_sets', key: `batch ${set.batchNo}` };
  agree(ofSet, 'attempts', rows.length, set.attempts);
  const batchId = toHex(set.chainBatchId ?? new Uint8Array(32));
  const data = encodeVaultCall({ method: 'releaseClaims', batchId });
  const does = {
    what: 'a release of the set',
    test: (call: ChainCall) =>
      call.kind === 'trigger' && call.contract === place.vault && equalBytes(call.data, data),
  };
  for (const [at, row] of rows.entries()) {
    const key = `batch ${set.batchNo}, attempt ${row.attempt}`;
    const ofAttempt = { table: 'settlement.release_attempts', key };
    agree(ofAttempt, 'attempt', at + 1, row.attempt);
    await isOurs(audit, ofAttempt, row, does);
  }
  const open = rows.filter(({ outcome }) => outcome === OPEN).length;
  const isOpen = set.setState !== null && set.setState > PLANNED && set.setState < SOLIDIFIED;
  agree(ofSet, 'attempts that may release', isOpen ? 1 : 0, open);
}

/** Every claim that counts is on the chain, and of a line of ours. */
async function claimed(audit: Audit): Promise<void> {
  const { sql, place } = audit;
  const rows = sql<ClaimedRow[]>`
    select b.batch_no as "batchNo", c.chain_batch_id as "chainBatchId", c.line, c.txid,
      c.block_number as "blockNumber", l.line is not null as "isLine"
    from settlement.claimed_lines c
    join settlement.batches b on b.chain_batch_id = c.chain_batch_id
    left join settlement.batch_payouts l on l.batch_no = b.batch_no and l.line = c.line
    order by c.chain_batch_id, c.line`;
  for await (const claim of rowsOf<ClaimedRow>(audit, rows)) {
    const { line, txid, chainBatchId } = claim;
    const row = { table: 'settlement.claimed_lines', key: `batch ${claim.batchNo}, line ${line}` };
    agree(row, 'is a line of the batch', claim.isLine, true);
    const transaction = await transactionIn(audit, claim.blockNumber, txid);
    if (transaction === undefined) differ(row, `transaction ${toHex(txid)} on chain`, 'none');
    const isClaimed = transaction.logs
      .filter(({ contract }) => contract === place.vault)
      .map(readClaimed)
      .some((each) => each?.line === line && each.chainBatchId === toHex(chainBatchId));
    agree(row, 'claimed by its transaction', isClaimed, true);
  }
}

function setsOf({ sql }: Audit) {
  return sql<SetRow[]>`
    select b.batch_no as "batchNo", b.state::int, b.chain_batch_id as "chainBatchId",
      b.claimable_until_s as "claimableUntilS", s.state::int as "setState", s.attempts,
      (select coalesce(sum(l.units), 0) from settlement.claimed_lines c
        join settlement.batch_payouts l on l.batch_no = b.batch_no and l.line = c.line
        where c.chain_batch_id = b.chain_batch_id and c.booked)::bigint as "claimedUnits",
      exists (select from settlement.claim_releases r
        where r.chain_batch_id = b.chain_batch_id) as released,
      (select count(*) from settlement.batch_payouts l
        join settlement.payouts p on p.withdrawal_id = l.withdrawal_id
        where l.batch_no = b.batch_no and p.state = 5 and b.state = 5)::int as refunded,
      (select jsonb_agg(jsonb_build_object('destination', l.destination, 'units', l.units::text)
        order by l.line) from settlement.batch_payouts l where l.batch_no = b.batch_no) as lines
    from settlement.batches b left join settlement.claim_sets s on s.batch_no = b.batch_no
    where b.to_claim order by b.batch_no`;
}

export const CLAIM_SET_CHECKS: readonly Check[] = [
  { name: 'Claim sets', run: sets },
  { name: 'Claims on chain', run: claimed },
];

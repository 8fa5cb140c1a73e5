import type { Database } from '#libs/database';
import { type Address, addressBytes, foldProof, type Units } from '#libs/domain';
import { type Audit, readAtLeisure } from './audit.js';
import { type EpochRow, epochsOf } from './checks/epoch-row.js';
import { EpochTree } from './epoch-tree.js';
import { ACCOUNT, idOf, LEAF_KINDS, leafCount, leavesOf } from './leaves.js';
import { epochOnChain } from './vault.js';

/** A leaf with its proof, as GetInclusionProof gives it. */
export type Proof = { readonly epochNo: bigint; readonly leaf: Buffer; readonly proof: Buffer };

/** What a proof shows. */
export type Inclusion = {
  readonly epochNo: bigint;
  readonly units: Units;
  readonly problem: string;
};

const ACCOUNT_BYTES = 61;
const ADDRESS_AT = 33;

/** Finds the leaf of an account in what the database keeps, and proves it; a text says why there is none. */
export function proofOf(
  database: Database,
  account: Address,
  epochNo: bigint | undefined,
): Promise<Proof | string> {
  return database.snapshot(async (sql) => {
    await readAtLeisure(sql);
    const audit = { sql, count: () => undefined };
    const epochs = await epochsOf(audit, epochNo === undefined ? 1 : undefined);
    const epoch = epochs.find((each) => epochNo === undefined || each.epochNo === epochNo);
    if (epoch !== undefined) return await build(audit, epoch, account);
    const [newest] = epochs;
    if (newest === undefined) return 'no epoch is committed yet';
    return `epoch ${epochNo} is not committed; the newest one is ${newest.epochNo}`;
  });
}

async function build(
  audit: Pick<Audit, 'sql' | 'count'>,
  epoch: EpochRow,
  account: Address,
): Promise<Proof | string> {
  const { epochNo } = epoch;
  const count = await leafCount(audit, epoch);
  const tree = await EpochTree.withSecret(epoch.secret, count);
  const id = idOf(ACCOUNT, account);
  let own: Buffer | undefined;
  for (const kind of LEAF_KINDS) {
    for await (const leaf of leavesOf(audit, epoch, kind)) {
      const bytes = tree.add(leaf);
      if (kind === ACCOUNT && leaf.id.equals(id)) own = bytes;
    }
  }
  if (tree.count === 0) {
    return `the leaves of epoch ${epochNo} are no longer kept; a proof that was kept can be given with --proof`;
  }
  if (own === undefined) return `epoch ${epochNo} has no leaf of ${account}: it owned nothing`;
  return { epochNo, leaf: own, proof: tree.prove(own) };
}

/** Holds a proof against the chain; with an empty problem the account owns these units by that epoch. */
export async function checkInclusion(
  on: Pick<Audit, 'chain' | 'place'>,
  account: Address,
  { epochNo, leaf, proof }: Proof,
): Promise<Inclusion> {
  const units = leaf.length < 8 ? 0n : leaf.readBigUInt64BE(leaf.length - 8);
  const because = (problem: string) => ({ epochNo, units, problem });
  const owner = leaf.subarray(ADDRESS_AT, ADDRESS_AT + 20);
  if (leaf.length !== ACCOUNT_BYTES || leaf[0] !== 0 || !owner.equals(addressBytes(account))) {
    return because(`the leaf is not that of account ${account}`);
  }
  const told = await epochOnChain(on, epochNo);
  if (/^0+$/.test(told.root)) return because(`the vault has no epoch ${epochNo}`);
  const reached = foldProof(leaf, proof);
  if (reached === undefined) return because('the proof is malformed');
  const root = Buffer.from(reached.root).toString('hex');
  if (root !== told.root)
    return because(`the proof leads to root ${root}, on chain is ${told.root}`);
  if (reached.totalUnits !== told.totalUnits) {
    return because(
      `the proof leads to a total of ${reached.totalUnits} units, on chain is ${told.totalUnits}`,
    );
  }
  return because('');
}

import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { EpochTree } from '../epoch-tree.js';
import { LEAF_KINDS, LINE, leafCount, leavesOf } from '../leaves.js';
import { epochOnChain } from '../vault.js';
import { asOwed, inOrder } from './epoch-leaves.js';
import { type EpochRow, epochKey, epochsOf } from './epoch-row.js';
import { owedAt } from './owed.js';

/** Every epoch that counts as committed is on the chain as it is here, and lies between its neighbours. */
async function committed(audit: Audit): Promise<void> {
  const ends = await audit.sql<{ no: bigint }[]>`
    select max(flush_no) as no from ledger.flushes where part between -1 and 7
    group by part order by part`;
  let latest: readonly bigint[] = ends.map(({ no }) => no);
  for await (const epoch of rowsOf<EpochRow>(audit, epochsOf(audit, undefined))) {
    await onChain(audit, epoch);
    // Newest first: none has seen links that the one after it had not.
    for (const [at, no] of epoch.flushNos.entries()) {
      const last = latest[at] ?? 0n;
      if (no < 0n || no > last) {
        differ(epochKey(epoch), `link 0 to ${last} of part ${at - 1}`, `link ${no}`);
      }
    }
    latest = epoch.flushNos;
  }
  await newest(audit);
}

/** The vault has no newer epoch than those on record: by its last one everybody would leave. */
async function newest(audit: Audit): Promise<void> {
  const { sql, lastEpoch } = audit;
  if (lastEpoch === 0n) return;
  // It may be solidified before that is noted here, but it was stored before it was sent.
  const [epoch] = await sql<EpochRow[]>`
    select epoch_no as "epochNo", root, total_units as "totalUnits" from settlement.epochs
    where epoch_no = ${lastEpoch} and state <> 6`;
  const row = epochKey({ epochNo: lastEpoch });
  if (epoch === undefined) differ(row, 'the last epoch of the vault', 'none that was sent');
  await onChain(audit, epoch);
}

async function onChain(audit: Audit, epoch: EpochRow): Promise<void> {
  const told = await epochOnChain(audit, epoch.epochNo);
  agree(epochKey(epoch), 'root on chain', told.root, epoch.root);
  agree(epochKey(epoch), 'total on chain', told.totalUnits, epoch.totalUnits);
}

/**
 * The kept leaves of each epoch give its root, and have the lines that are on record of it; those of the last one say
 * what the journal said at its moment.
 */
async function trees(audit: Audit): Promise<void> {
  const [last] = await epochsOf(audit, 1);
  const kept = await audit.sql<{ buildNo: bigint }[]>`
    select distinct build_no as "buildNo" from settlement.epoch_leaves
    union select distinct build_no from settlement.epoch_nodes`;
  const builds = new Set(kept.map(({ buildNo }) => buildNo));
  await noOrphans(audit);
  for (const epoch of await epochsOf(audit, undefined)) {
    if (epoch.epochNo === last?.epochNo || builds.has(epoch.buildNo)) {
      await tree(audit, epoch, epoch.epochNo === last?.epochNo);
    }
  }
}

/** Leaves and nodes are of an epoch, or of one that is being built: builds that were given up are removed by the next. */
async function noOrphans({ sql }: Audit): Promise<void> {
  const [orphan] = await sql<{ name: string; buildNo: bigint }[]>`
    select name, build_no as "buildNo" from (
      select 'leaves' as name, build_no from settlement.epoch_leaves
      union select 'nodes', build_no from settlement.epoch_nodes
    ) kept
    where build_no < (select max(build_no) from settlement.epochs)
      and build_no not in (select build_no from settlement.epochs) limit 1`;
  if (orphan === undefined) return;
  const row = { table: `settlement.epoch_${orphan.name}`, key: `build ${orphan.buildNo}` };
  differ(row, 'an epoch of this build', 'none');
}

async function tree(audit: Audit, epoch: EpochRow, isLast: boolean): Promise<void> {
  const row = epochKey(epoch);
  const count = await leafCount(audit, epoch);
  // Leaves of old epochs are removed while we look, and their nodes after them.
  if (count === 0 && !isLast) return;
  agree(row, 'leaves', count, epoch.leaves);
  const built = await EpochTree.withSecret(epoch.secret, count);
  for (const kind of LEAF_KINDS) {
    const leaves = inOrder(epoch, leavesOf(audit, epoch, kind));
    // Which lines had leaves is on record of every epoch, what the journal said of the last one only.
    if (isLast || kind === LINE) {
      for await (const leaf of asOwed(epoch, kind, leaves, owedAt(audit, epoch, kind)))
        built.add(leaf);
    } else {
      for await (const leaf of leaves) built.add(leaf);
    }
  }
  const top = built.levels.at(-1);
  agree(row, 'root of its leaves', top?.hashAt(0), epoch.root);
  agree(row, 'total of its leaves', top?.sumAt(0), epoch.totalUnits);
  await nodes(audit, epoch, built);
}

/** The stored nodes are those of the tree: owners' proofs are made of them. */
async function nodes(audit: Audit, epoch: EpochRow, built: EpochTree): Promise<void> {
  const { levels } = built;
  const places = levels.map(() => ({ pieces: 0, nodes: 0 }));
  const rows = audit.sql<NodeRow[]>`
    select level::int, chunk_no as "chunkNo", first_hash as "firstHash", nodes
    from settlement.epoch_nodes where build_no = ${epoch.buildNo} order by level, chunk_no`;
  for await (const piece of rowsOf<NodeRow>(audit, rows)) {
    const { level, chunkNo } = piece;
    const key = `epoch ${epoch.epochNo}, level ${level}, piece ${chunkNo}`;
    const row = { table: 'settlement.epoch_nodes', key };
    const [nodesOfLevel, place] = [levels[level], places[level]];
    if (nodesOfLevel === undefined || place === undefined) differ(row, 'no such level', 'nodes');
    agree(row, 'piece', place.pieces, chunkNo);
    const count = piece.nodes.length / NODE_BYTES;
    const wanted = nodesOfLevel.slice(place.nodes, place.nodes + count);
    if (!piece.nodes.equals(wanted)) differ(row, 'the nodes over the leaves', 'others');
    agree(row, 'first hash', wanted.subarray(0, 32), piece.firstHash);
    place.pieces += 1;
    place.nodes += count;
  }
  for (const [level, { count }] of levels.entries()) {
    const row = { table: 'settlement.epoch_nodes', key: `epoch ${epoch.epochNo}, level ${level}` };
    agree(row, 'nodes', count, places[level]?.nodes);
  }
}

const NODE_BYTES = 40;

type NodeRow = {
  readonly level: number;
  readonly chunkNo: number;
  readonly firstHash: Buffer;
  readonly nodes: Buffer;
};

export const COMMITTED_CHECKS: readonly Check[] = [{ name: 'Epochs on chain', run: committed }];
export const TREE_CHECKS: readonly Check[] = [{ name: 'Leaves of epochs', run: trees }];

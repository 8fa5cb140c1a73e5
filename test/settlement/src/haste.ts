import { type SettlementCluster, until } from './cluster.js';

const HASTE_EVERY_MS = 6_000;
const HASTE_BLOCKS = 160;

/**
 * Waits until it is so, and lets the chain's time pass faster when that takes long: what was lost has to expire. Only
 * when settlement has read the blocks that there are, or it would never catch up on a busy machine.
 */
export async function hastened(
  cluster: SettlementCluster,
  timeoutMs: number,
  isSo: () => Promise<boolean>,
): Promise<boolean> {
  let hastenedMs = performance.now();
  return until(timeoutMs, async () => {
    if (await isSo()) return true;
    if (performance.now() - hastenedMs > HASTE_EVERY_MS && (await hasRead(cluster))) {
      hastenedMs = performance.now();
      await cluster.truth.mine(HASTE_BLOCKS);
    }
    return false;
  });
}

async function hasRead({ sql, truth }: SettlementCluster): Promise<boolean> {
  const { solidNumber } = await truth.status();
  const [row] = await sql<{ next: bigint }[]>`select next_block as next from settlement.cursor`;
  return (row?.next ?? 0n) >= BigInt(solidNumber);
}

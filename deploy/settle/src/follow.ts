import type { SettlementClient } from '#libs/client';
import { type Batch, BatchApproval, BatchState } from '#libs/contracts';
import type { Step } from '../../demo/src/display.js';

/** How batches ended. */
export type Followed = {
  /** Every batch that was followed, as it is now. */
  readonly batches: readonly Batch[];
  readonly solidified: readonly Batch[];
  readonly failed: readonly Batch[];
  readonly undecided: readonly Batch[];
};

/** Reads batches by their numbers. */
export type ReadBatches = (batchNos: readonly bigint[]) => Promise<readonly Batch[]>;

const PAGE = 200;
const EVERY_MS = 300;

/** Waits until every batch is solidified, has failed or waits for an operator. Rejects at the abort. */
export async function follow(
  readBatches: ReadBatches,
  batchNos: readonly bigint[],
  step: Step,
  signal: AbortSignal,
): Promise<Followed> {
  const known = new Map<bigint, Batch>();
  for (;;) {
    const open = batchNos.filter((batchNo) => !isOver(known.get(batchNo)));
    for (const batch of await readBatches(open)) known.set(batch.batchNo, batch);
    const batches = [...known.values()];
    const of = (test: (batch: Batch) => boolean) => batches.filter(test);
    const followed: Followed = {
      batches,
      solidified: of(({ state }) => state === BatchState.SOLIDIFIED),
      failed: of(({ state }) => state === BatchState.FAILED),
      undecided: of(({ approval }) => approval === BatchApproval.WAITING),
    };
    // A signed batch has gone a part of its way.
    const share = batches.reduce((sum, { state }) => sum + Math.min(state, 5) / 5, 0);
    step.progress(share, batchNos.length);
    step.note(`${followed.solidified.length} of ${batchNos.length} transactions solidified`);
    if (batches.filter(isOver).length >= batchNos.length) return followed;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function isOver(batch: Batch | undefined): boolean {
  if (batch === undefined) return false;
  const { state, approval } = batch;
  return state >= BatchState.SOLIDIFIED || approval === BatchApproval.WAITING;
}

/** Reads batches from the list of all of them: fewer calls than one each. */
export function fromList(settlement: SettlementClient): ReadBatches {
  return async (batchNos) => {
    const wanted = new Set(batchNos);
    const found: Batch[] = [];
    let cursor = '';
    do {
      const page = await settlement.listBatches({ cursor, limit: PAGE });
      found.push(...page.batches.filter(({ batchNo }) => wanted.has(batchNo)));
      cursor = page.nextCursor;
    } while (cursor !== '' && found.length < wanted.size);
    return found;
  };
}

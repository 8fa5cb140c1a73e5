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

const PAGE = 200;
const EVERY_MS = 300;

/** Waits until every batch is solidified, has failed or waits for an operator. Rejects at the abort. */
export async function follow(
  settlement: SettlementClient,
  batchNos: readonly bigint[],
  step: Step,
  signal: AbortSignal,
): Promise<Followed> {
  const wanted = new Set(batchNos);
  for (;;) {
    const batches = await read(settlement, wanted);
    const of = (test: (batch: Batch) => boolean) => batches.filter(test);
    const followed: Followed = {
      batches,
      solidified: of(({ state }) => state === BatchState.SOLIDIFIED),
      failed: of(({ state }) => state === BatchState.FAILED),
      undecided: of(({ approval }) => approval === BatchApproval.WAITING),
    };
    const { solidified, failed, undecided } = followed;
    const ended = solidified.length + failed.length + undecided.length;
    // A signed batch has gone a part of its way.
    const share = batches.reduce((sum, { state }) => sum + Math.min(state, 5) / 5, 0);
    step.progress(share, wanted.size);
    step.note(`${solidified.length} of ${wanted.size} transactions solidified`);
    if (ended >= wanted.size) return followed;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

async function read(settlement: SettlementClient, wanted: ReadonlySet<bigint>): Promise<Batch[]> {
  const found: Batch[] = [];
  let cursor = '';
  do {
    const page = await settlement.listBatches({ cursor, limit: PAGE });
    found.push(...page.batches.filter(({ batchNo }) => wanted.has(batchNo)));
    cursor = page.nextCursor;
  } while (cursor !== '' && found.length < wanted.size);
  return found;
}

import {
  Asset,
  type Batch,
  BatchApproval,
  BatchState,
  type DecideBatchRequest,
  type GetBatchRequest,
  PayoutWay,
  type UndecidedBatch,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';

export const ACCOUNT = 'TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC';

/** Large batches of the fake settlement. */
export type Approvals = {
  undecided: UndecidedBatch[];
  /** What was decided about them, in the order in which it was asked for. */
  decisions: DecideBatchRequest[];
};

/** A batch of 20 payees. */
export function batch(batchNo: bigint, state: BatchState, plannedAtMs: bigint): Batch {
  return {
    batchNo,
    asset: Asset.TRC20_BTT,
    state,
    txid: state === BatchState.PLANNED ? '' : '5f3c'.repeat(16),
    payouts: 20,
    totalUnits: 480_000_000n,
    energyUsed: 0n,
    feeSun: 0n,
    plannedAtMs,
    solidifiedAtMs: 0n,
    failure: '',
    approval: BatchApproval.NOT_NEEDED,
    decidedBy: '',
    toClaim: false,
    claimableUntilMs: 0n,
  };
}

/** Lets large batches of these numbers wait for an operator. */
export function letWaitForApproval(state: Approvals, ...batchNos: bigint[]): void {
  state.undecided = batchNos.map((batchNo) => ({
    batch: batch(batchNo, BatchState.PLANNED, BigInt(Date.now()) - 300_000n),
    way: PayoutWay.BATCH,
    feeSun: 62_340_000n,
  }));
}

/** Everything about a batch that waits. */
export function getBatch({ undecided }: Approvals, { batchNo }: GetBatchRequest) {
  const found = undecided.find(({ batch }) => batch?.batchNo === batchNo)?.batch;
  if (found === undefined) throw new RefusedError(refuse('NOT_FOUND', `no batch ${batchNo}`));
  const payouts = Array.from({ length: found.payouts }, (_, line) => ({
    withdrawalId: Buffer.alloc(32, line),
    destination: ACCOUNT,
    amountUnits: found.totalUnits / BigInt(found.payouts),
  }));
  return { batch: found, payouts, decisionNote: '', decidedAtMs: 0n };
}

/** As settlement does: a batch is decided once, and the same decision may be repeated. */
export function decideBatch(state: Approvals, request: DecideBatchRequest) {
  const { batchNo, approve } = request;
  const [first] = state.decisions.filter((each) => each.batchNo === batchNo);
  if (first === undefined) getBatch(state, request);
  if (first !== undefined && first.approve !== approve) {
    const was = first.approve ? 'approved' : 'rejected';
    throw new RefusedError(
      refuse('NOT_PERMITTED', `batch ${batchNo} was ${was} by ${first.operator}`),
    );
  }
  state.decisions.push(request);
  state.undecided = state.undecided.filter(({ batch }) => batch?.batchNo !== batchNo);
  const decided = batch(batchNo, approve ? BatchState.PLANNED : BatchState.FAILED, 1n);
  return { batch: { ...decided, decidedBy: (first ?? request).operator } };
}

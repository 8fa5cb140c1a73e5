import { assetFromWire, assetToWire } from '#libs/contracts';
import { accept, type Result, refuse, WITHDRAWAL_STATES } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { afterPlanned, HELD_NOTE } from '../domain/intake.js';
import {
  chainBatchId,
  type Payable,
  type PlanLimits,
  type PlannedBatch,
  planBatches,
} from '../domain/plan.js';
import { PAYOUT } from '../domain/states.js';
import type { BatchRepository, NewBatch, StoredBatch } from '../repositories/batch.repository.js';
import type { PayoutRepository, WaitingPayout } from '../repositories/payout.repository.js';
import type { Clock } from './clock.js';
import { concurrently } from './concurrently.js';
import { isTransient } from './deposit-booking.service.js';
import type { Books, ChainPlace } from './ports.js';
import type { WithdrawalIntakeService } from './withdrawal-intake.service.js';

/** Bounds of one run. */
export type RunLimits = PlanLimits & { readonly payoutsMax: number };

const CONCURRENT_CALLS = 16;

/** Plans what is due into batches. Signing and sending is the batch driver's work. */
export class SettlementRunService {
  #running = false;

  constructor(
    private readonly payouts: PayoutRepository,
    private readonly batches: BatchRepository,
    private readonly intake: WithdrawalIntakeService,
    private readonly books: Books,
    private readonly place: ChainPlace,
    private readonly limits: RunLimits,
    private readonly leads: () => Promise<boolean>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** What a run would plan now. Changes nothing. */
  async plan(): Promise<PlannedBatch[]> {
    const waiting = await this.payouts.waiting(this.limits.payoutsMax);
    return planBatches(waiting.map(payable), this.limits);
  }

  /**
   * Plans the payouts that are due and returns the new batches; the driver pays them.
   * OVERLOADED while another run is under way; UNAVAILABLE when another process leads.
   */
  async run(): Promise<Result<StoredBatch[]>> {
    if (this.#running) return refuse('OVERLOADED', 'a settlement run is under way');
    this.#running = true;
    try {
      if (!(await this.leads())) {
        return refuse('UNAVAILABLE', 'another settlement process leads; ask that one');
      }
      await this.intake.round();
      const planned = await this.#claim(await this.payouts.waiting(this.limits.payoutsMax));
      const groups = planBatches(planned.map(payable), this.limits);
      if (groups.length === 0) return accept([]);
      failPoint('settlement.before-plan');
      const batchNos = await this.batches.plan(
        groups.map((group) => this.#newBatch(group)),
        this.clock(),
      );
      failPoint('settlement.after-plan');
      this.logger.info({ batches: groups.length, payouts: planned.length }, 'settlement planned');
      return accept(await this.batches.find(batchNos));
    } finally {
      this.#running = false;
    }
  }

  /** Tells the ledger that queued payouts are planned: from then on their owners cannot cancel them. */
  async #claim(waiting: readonly WaitingPayout[]): Promise<WaitingPayout[]> {
    const claimed = await concurrently(waiting, CONCURRENT_CALLS, async (payout) => {
      if (payout.state === PAYOUT.planned) return true;
      const { withdrawalId } = payout;
      const answer = await this.books.advanceWithdrawal({
        withdrawalId,
        state: WITHDRAWAL_STATES.planned,
        failure: '',
        txid: '',
        note: '',
      });
      if (!answer.ok) {
        if (!isTransient(answer.reason)) await this.#leave(payout, 'held', answer.detail);
        return false;
      }
      const next = afterPlanned(answer.value.state);
      const failure = next === 'held' ? 'the ledger says that it was paid or refunded' : '';
      return (await this.#leave(payout, next, failure)) && next === 'planned';
    });
    return waiting.filter((_payout, at) => claimed[at]);
  }

  #leave(
    payout: WaitingPayout,
    to: 'planned' | 'cancelled' | 'held',
    failure: string,
  ): Promise<boolean> {
    if (to === 'held') {
      const id = payout.withdrawalId.toString('hex');
      this.logger.error({ withdrawal: id, failure }, 'a payout is held');
    }
    const nowMs = this.clock();
    const note = to === 'held' ? HELD_NOTE : '';
    const change = { state: PAYOUT[to], failure, note, nowMs };
    return this.payouts.leaveQueue(payout.withdrawalId, change);
  }

  #newBatch(group: PlannedBatch): NewBatch {
    const { chainId, vault: address } = this.place;
    const asset = assetToWire(group.asset);
    return {
      asset,
      lines: group.payouts,
      totalUnits: group.totalUnits,
      needsApproval: group.needsApproval,
      toClaim: group.toClaim,
      chainBatchIdOf: (batchNo) =>
        group.asset === 'TRC20_BTT'
          ? chainBatchId({ chainId, address }, batchNo, group.payouts)
          : undefined,
    };
  }
}

function payable(payout: WaitingPayout): Payable {
  const asset = assetFromWire(payout.asset);
  if (asset === undefined) throw new Error(`payout ${payout.payoutNo} has no known asset`);
  const { withdrawalId, destination, units, failures, toClaim, batchMax } = payout;
  return { withdrawalId, asset, destination, units, failures, toClaim, batchMax };
}

import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { encodeVaultCall, type TronChain } from '#libs/tron';
import { mostClaimUse } from '../domain/costs.js';
import { openBatch } from '../domain/open-batch.js';
import { OUTCOME } from '../domain/states.js';
import { nextStep, type Step, type StepPolicy } from '../domain/step.js';
import { BatchMovedError } from '../repositories/batch-transaction.repository.js';
import type { ClaimRepository, OverdueRow } from '../repositories/claim.repository.js';
import type { ReleaseStepRepository } from '../repositories/release-step.repository.js';
import type { Cursor, ScanRepository } from '../repositories/scan.repository.js';
import type { Clock } from './clock.js';
import { notNow } from './not-now.js';
import { observe, send } from './stored-bytes.js';
import type { VaultCallService } from './vault-call.service.js';

const SETS_PER_ROUND = 16;

/** What the driver reads and writes. */
export type ClaimStores = {
  readonly claims: ClaimRepository;
  readonly releaseSteps: ReleaseStepRepository;
  readonly scans: ScanRepository;
};

/**
 * Follows committed claim sets: what was claimed on the solidified chain is paid; when the time of a set is over, the
 * rest is released, as batches are sent, and goes back once the release is solidified. The vault decides between a claim
 * and a release; nothing is concluded here from a clock.
 */
export class ClaimDriverService {
  #paused = '';

  constructor(
    private readonly chain: TronChain,
    private readonly stores: ClaimStores,
    private readonly calls: VaultCallService,
    private readonly policy: StepPolicy,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Why a set is not released although its time is over; empty when all is well. */
  get paused(): string {
    return this.#paused;
  }

  /** One step of everything; true when something moved. */
  async round(): Promise<boolean> {
    // Read before the claims are paid: whatever was claimed by then is paid before a release is thought of.
    const cursor = await this.stores.scans.cursor();
    if (cursor === undefined) return false;
    const paid = await this.stores.claims.payClaimed(this.clock());
    if (paid > 0) {
      this.logger.info({ payouts: paid }, 'payouts were claimed');
      failPoint('settlement.after-claimed');
    }
    const rows = await this.stores.claims.overdue(cursor.lastTimestampMs, SETS_PER_ROUND);
    const lacks: string[] = [];
    let moved = paid > 0;
    for (const row of rows) {
      const told = await this.#drive(row, cursor);
      if (typeof told === 'string') lacks.push(told);
      else moved ||= told;
    }
    this.#pause([...new Set(lacks)].join('; '));
    return moved;
  }

  /** One step of a set: whether it moved, or why it does not. */
  async #drive(row: OverdueRow, cursor: Cursor): Promise<boolean | string> {
    try {
      if (row.releasedBy !== null) return await this.#giveBack(row, row.releasedBy);
      const seen = await observe(this.chain, row, cursor);
      const open = openBatch({ ...row, chainBatchId: null });
      return await this.#take(row, nextStep(open, seen, this.clock(), this.policy));
    } catch (error) {
      if (!(error instanceof BatchMovedError)) return notNow(error);
      this.logger.info({ reason: error.message }, 'a claim set was moved by another process');
      return false;
    }
  }

  async #giveBack({ batchNo }: OverdueRow, releasedBy: Buffer): Promise<boolean> {
    failPoint('settlement.before-given-back');
    const payouts = await this.stores.claims.release(batchNo, releasedBy, this.clock());
    failPoint('settlement.after-given-back');
    this.logger.info({ batchNo, payouts }, 'claims were released, what nobody claimed goes back');
    return true;
  }

  async #take(row: OverdueRow, step: Step): Promise<boolean | string> {
    const { releaseSteps } = this.stores;
    const { batchNo } = row;
    const attempt = row.attempt ?? 0;
    switch (step.do) {
      case 'sign':
        return this.#sign(row, step.attempt);
      case 'broadcast':
        await this.#broadcast(row, attempt);
        return true;
      case 'confirm':
      case 'unconfirm':
        await releaseSteps.confirm(
          batchNo,
          attempt,
          step.do === 'confirm' ? step.block : undefined,
        );
        failPoint('settlement.after-release-confirmed');
        return true;
      case 'expire':
        await releaseSteps.end(batchNo, attempt, OUTCOME.expired);
        failPoint('settlement.after-release-ended');
        return true;
      case 'fail': {
        const reason = `the claims of batch ${batchNo} are not released: ${step.reason}`;
        if (row.attempt === null) return reason;
        this.logger.error({ batchNo, attempt, reason: step.reason }, 'a release failed');
        const outcome = row.solidSucceeded === false ? OUTCOME.failed : OUTCOME.expired;
        await releaseSteps.end(batchNo, attempt, outcome);
        failPoint('settlement.after-release-ended');
        return true;
      }
      case 'finish':
        return `the release of batch ${batchNo} succeeded on chain but the vault did not log it`;
      case 'halt':
        return step.reason;
      case 'wait':
        return false;
    }
  }

  async #sign({ batchNo, chainBatchId }: OverdueRow, attempt: number): Promise<boolean | string> {
    const batchId = chainBatchId.toString('hex');
    const data = encodeVaultCall({ method: 'releaseClaims', batchId });
    const signed = await this.calls.sign({ data, use: mostClaimUse(), attempt });
    if (typeof signed === 'string') return signed;
    failPoint('settlement.before-release-signed');
    await this.stores.releaseSteps.sign(batchNo, signed, this.clock());
    failPoint('settlement.after-release-signed');
    return true;
  }

  async #broadcast({ batchNo, signed }: OverdueRow, attempt: number): Promise<void> {
    if (signed === null) throw new Error(`the release of batch ${batchNo} is not signed`);
    failPoint('settlement.before-release-broadcast');
    const refusal = await send(this.chain, this.logger, signed, { batchNo });
    failPoint('settlement.after-release-broadcast');
    await this.stores.releaseSteps.broadcast(batchNo, attempt, refusal, this.clock());
    failPoint('settlement.after-release-noted');
  }

  #pause(reason: string): void {
    if (reason !== '' && reason !== this.#paused) this.logger.error({ reason }, 'claims wait');
    this.#paused = reason;
  }
}

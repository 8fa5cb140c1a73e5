import { accept, LIMITS, type Result, refuse } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { areStorable } from '../domain/words.js';
import type { ApprovalRepository } from '../repositories/approval.repository.js';
import type { BatchRepository, StoredBatch } from '../repositories/batch.repository.js';
import { BatchMovedError } from '../repositories/batch-transaction.repository.js';
import type { Clock } from './clock.js';

/** What an operator says about a batch. */
export type DecisionRequest = {
  readonly batchNo: bigint;
  readonly approve: boolean;
  readonly operator: string;
  readonly note: string;
};

const OPERATOR_MAX = 100;

/** Operators' decisions about large batches. Any process may take them: the database lets only one be made. */
export class ApprovalService {
  constructor(
    private readonly approvals: ApprovalRepository,
    private readonly batches: BatchRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Decides; the same decision again changes nothing. MALFORMED, LIMIT_EXCEEDED, NOT_FOUND, NOT_PERMITTED. */
  async decide(request: DecisionRequest): Promise<Result<StoredBatch>> {
    const { batchNo, approve, note } = request;
    const operator = request.operator.trim();
    if (operator === '') return refuse('MALFORMED', 'operator is missing');
    if (operator.length > OPERATOR_MAX || note.length > LIMITS.textMax) {
      return refuse('LIMIT_EXCEEDED', 'operator or note is too long');
    }
    if (!areStorable(operator, note)) {
      return refuse('MALFORMED', 'operator or note has a zero byte');
    }
    const before = await this.#find(batchNo);
    if (before === undefined) return refuse('NOT_FOUND', `there is no batch ${batchNo}`);
    const decision = { batchNo, operator, note, nowMs: this.clock() };
    try {
      if (approve) await this.approvals.approve(decision);
      else await this.approvals.reject(decision, rejection(note));
      this.logger.warn({ batchNo, operator, approve, note }, 'an operator decided about a batch');
    } catch (error) {
      if (!(error instanceof BatchMovedError)) throw error;
    }
    const after = await this.#find(batchNo);
    if (after === undefined) throw new Error(`batch ${batchNo} disappeared`);
    if (after.approved === approve) return accept(after);
    const why = after.needsApproval
      ? `batch ${batchNo} was ${after.approved ? 'approved' : 'rejected'} by ${after.decidedBy}`
      : `batch ${batchNo} waits for nobody's approval`;
    return refuse('NOT_PERMITTED', why);
  }

  async #find(batchNo: bigint): Promise<StoredBatch | undefined> {
    const [batch] = await this.batches.find([batchNo]);
    return batch;
  }
}

// What the owner reads names no person.
function rejection(note: string): string {
  return note === ''
    ? 'an operator did not let it through'
    : `an operator did not let it through: ${note}`;
}

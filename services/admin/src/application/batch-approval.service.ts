import { type Result, refuse } from '#libs/domain';
import { mayOperate, type Session } from '../domain/session.js';
import type { AuditLog, BatchDecider, BatchDecision, DecidedBatch, Payee } from './ports.js';
import { within } from './within.js';

/** A decision waits this long to be recorded, then it is not taken. */
const RECORD_PATIENCE_MS = 3_000;

/** Lets operators decide about large batches, and records who did. */
export class BatchApprovalService {
  constructor(
    private readonly decider: BatchDecider,
    private readonly audit: AuditLog,
    private readonly now: () => bigint,
  ) {}

  /** Whom a batch pays. NOT_FOUND, UNAVAILABLE. */
  payees(batchNo: bigint): Promise<Result<readonly Payee[]>> {
    return this.decider.payees(batchNo);
  }

  /**
   * Takes a decision. The record is written before settlement is asked, and again with the outcome. The same
   * decision again changes nothing. Refuses with NOT_PERMITTED for a viewer, or with settlement's own
   * reason; rejects when the database does not answer.
   */
  async decide(
    session: Session,
    address: string,
    decision: BatchDecision,
  ): Promise<Result<DecidedBatch>> {
    if (!mayOperate(session))
      return refuse('NOT_PERMITTED', 'an operator may decide about batches');
    const { actor, role } = session;
    const { batchNo, approve, name, reason } = decision;
    const action = approve ? 'batch-approve' : 'batch-reject';
    const record = (outcome: string, detail: string) =>
      this.audit.append({ atMs: this.now(), actor, role, address, action, outcome, detail });
    await within(RECORD_PATIENCE_MS, record('requested', `batch ${batchNo} by ${name}: ${reason}`));
    const result = await this.decider.decideBatch(decision);
    await (result.ok
      ? record('ok', `batch ${batchNo} is ${result.value.state}, by ${result.value.decidedBy}`)
      : record(result.reason, result.detail));
    return result;
  }
}

import { type Result, refuse } from '#libs/domain';
import { mayOperate, type Session } from '../domain/session.js';
import type { AuditLog, DepositDecision, DepositResolver, ResolvedDeposit } from './ports.js';
import { within } from './within.js';

/** A decision waits this long to be recorded, then it is not taken. */
const RECORD_PATIENCE_MS = 3_000;

/** Lets operators decide about deposits that wait, and records who did. */
export class DepositResolutionService {
  constructor(
    private readonly resolver: DepositResolver,
    private readonly audit: AuditLog,
    private readonly now: () => bigint,
  ) {}

  /**
   * Takes a decision. The record is written before settlement is asked, and again with the outcome.
   * Refuses with NOT_PERMITTED for a viewer, or with settlement's own reason; rejects when the database
   * does not answer.
   */
  async resolve(
    session: Session,
    address: string,
    order: Omit<DepositDecision, 'operator'>,
  ): Promise<Result<ResolvedDeposit>> {
    if (!mayOperate(session)) return refuse('NOT_PERMITTED', 'an operator may resolve deposits');
    const { actor, role } = session;
    const { creditAccount, txid, index, reason } = order;
    const action = creditAccount === undefined ? 'deposit-dismiss' : 'deposit-credit';
    const record = (outcome: string, detail: string) =>
      this.audit.append({ atMs: this.now(), actor, role, address, action, outcome, detail });
    const what = `${txid.toString('hex')}:${index} to ${creditAccount ?? 'nobody'}: ${reason}`;
    await within(RECORD_PATIENCE_MS, record('requested', what));
    const result = await this.resolver.resolveDeposit({ ...order, operator: actor });
    await (result.ok
      ? record('ok', `${result.value.state} ${result.value.note}`.trim())
      : record(result.reason, result.detail));
    return result;
  }
}

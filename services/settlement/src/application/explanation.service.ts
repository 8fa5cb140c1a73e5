import { LIMITS, type Result, refuse } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { areStorable } from '../domain/words.js';
import type { Explanation, ExplanationRepository } from '../repositories/explanation.repository.js';
import type { Clock } from './clock.js';

const OPERATOR_MAX = 100;
const REASON_MIN = 3;

/** Operators' explanations of transactions that the hot wallet has sent and settlement has not. */
export class ExplanationService {
  constructor(
    private readonly explanations: ExplanationRepository,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /**
   * Lets settlement go on in spite of a transaction. The same explanation again changes nothing, and then it is true.
   * MALFORMED, LIMIT_EXCEEDED, NOT_FOUND, NOT_PERMITTED.
   */
  async explain(request: Explanation): Promise<Result<boolean>> {
    const { txid } = request;
    const [operator, reason] = [request.operator.trim(), request.reason.trim()];
    if (txid.length !== 32) return refuse('MALFORMED', 'txid must have 32 bytes');
    if (operator === '') return refuse('MALFORMED', 'operator is missing');
    if (reason.length < REASON_MIN) return refuse('MALFORMED', 'reason is missing');
    if (!areStorable(operator, reason)) {
      return refuse('MALFORMED', 'operator or reason has a zero byte');
    }
    if (operator.length > OPERATOR_MAX || reason.length > LIMITS.textMax) {
      return refuse('LIMIT_EXCEEDED', 'operator or reason is too long');
    }
    failPoint('settlement.before-explained');
    const kept = await this.explanations.keep({ txid, operator, reason }, this.clock());
    failPoint('settlement.after-explained');
    if (kept.ok && !kept.value) {
      const id = Buffer.from(txid).toString('hex');
      this.logger.warn({ txid: id, operator, reason }, 'an operator explained a transaction');
    }
    return kept;
  }
}

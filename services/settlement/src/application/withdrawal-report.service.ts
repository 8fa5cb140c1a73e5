import { WITHDRAWAL_STATES } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import type { PayoutRepository, Report } from '../repositories/payout.repository.js';
import { concurrently } from './concurrently.js';
import { isTransient } from './deposit-booking.service.js';
import type { Books } from './ports.js';

const REPORTS_PER_PAGE = 500;
const CONCURRENT_CALLS = 16;

/**
 * Tells the ledger what became of withdrawals, until it has answered. Only the newest state of each
 * is told: the ledger lets a withdrawal skip states, and a repeated or late report changes nothing.
 */
export class WithdrawalReportService {
  constructor(
    private readonly payouts: PayoutRepository,
    private readonly books: Books,
    private readonly logger: Logger,
  ) {}

  /** Tells everything that is due; returns how much that was. Throws when the ledger does not answer. */
  async round(): Promise<number> {
    let after = 0n;
    let told = 0;
    for (;;) {
      const page = await this.payouts.unreported(after, REPORTS_PER_PAGE);
      const last = page.at(-1);
      if (last === undefined) return told;
      failPoint('settlement.before-report');
      const answers = await concurrently(page, CONCURRENT_CALLS, (report) => this.#tell(report));
      failPoint('settlement.after-report');
      const done = page.filter((_report, at) => answers[at] === 'told');
      await this.payouts.reported(done);
      told += done.length;
      if (answers.includes('silent')) throw new Error('the ledger does not take reports');
      after = last.payoutNo;
    }
  }

  async #tell(report: Report): Promise<'told' | 'refused' | 'silent'> {
    const { withdrawalId, state, txid, failure, note } = report;
    const answer = await this.books.advanceWithdrawal({
      withdrawalId,
      // Of one that is held only the note is told: the ledger knows a later state than this.
      state: Math.max(state, WITHDRAWAL_STATES.queued),
      failure: state === WITHDRAWAL_STATES.refunded ? failure : '',
      txid,
      note,
    });
    if (answer.ok) return 'told';
    if (isTransient(answer.reason)) return 'silent';
    const id = withdrawalId.toString('hex');
    this.logger.error({ withdrawal: id, state, reason: answer.reason }, 'a report was refused');
    return 'refused';
  }
}

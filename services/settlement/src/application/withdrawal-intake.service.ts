import type { Withdrawal } from '#libs/contracts';
import { WITHDRAWAL_STATES } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { type Admission, admitWithdrawal, HELD_NOTE } from '../domain/intake.js';
import { PAYOUT } from '../domain/states.js';
import type { PayoutRepository } from '../repositories/payout.repository.js';
import type { Clock } from './clock.js';
import { type Books, type ChainPlace, ownAddresses } from './ports.js';

const STATE_OF: Readonly<Record<Admission['kind'], number>> = {
  queue: PAYOUT.queued,
  refund: PAYOUT.refunded,
  hold: PAYOUT.held,
};

/** Takes withdrawals from the ledger into the payout queue. */
export class WithdrawalIntakeService {
  readonly #own: ReadonlySet<string>;

  constructor(
    private readonly payouts: PayoutRepository,
    private readonly books: Books,
    place: ChainPlace,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.#own = ownAddresses(place);
  }

  /** Reads all unfinished withdrawals and queues the new ones; returns how many those were. */
  async round(): Promise<number> {
    let cursor = '';
    let taken = 0;
    do {
      const page = await this.books.openWithdrawals(cursor);
      if (!page.ok) throw new Error(`the ledger does not list withdrawals: ${page.detail}`);
      const { withdrawals, next } = page.value;
      const known = await this.payouts.known(withdrawals.map(({ withdrawalId }) => withdrawalId));
      for (const withdrawal of withdrawals) {
        if (known.has(withdrawal.withdrawalId.toString('hex'))) continue;
        await this.#take(withdrawal);
        taken += 1;
      }
      cursor = next;
    } while (cursor !== '');
    return taken;
  }

  async #take(withdrawal: Withdrawal): Promise<void> {
    const admission = admitWithdrawal(withdrawal, this.#own);
    const reason = admission.kind === 'queue' ? '' : admission.reason;
    if (admission.kind === 'hold') {
      const id = withdrawal.withdrawalId.toString('hex');
      this.logger.error({ withdrawal: id, reason }, 'a withdrawal is held');
    }
    await this.payouts.insert(
      {
        withdrawalId: withdrawal.withdrawalId,
        asset: withdrawal.asset,
        account: withdrawal.account,
        destination: withdrawal.destination,
        units: admission.units,
        state: STATE_OF[admission.kind],
        failure: reason,
        // Of a held one only the note is reported: the ledger knows more than we do.
        reportState: REPORT_OF[admission.kind],
        note: admission.kind === 'hold' ? HELD_NOTE : '',
        requestedAtMs: withdrawal.requestedAtMs,
        toClaim: withdrawal.toClaim,
      },
      this.clock(),
    );
  }
}

const REPORT_OF: Readonly<Record<Admission['kind'], number>> = {
  queue: WITHDRAWAL_STATES.queued,
  refund: WITHDRAWAL_STATES.refunded,
  hold: 0,
};

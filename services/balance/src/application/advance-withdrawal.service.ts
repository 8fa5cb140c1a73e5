import type { AdvanceWithdrawalRequest } from '#libs/contracts';
import type { Database } from '#libs/database';
import {
  accept,
  type Result,
  refuse,
  WITHDRAWAL_STATES,
  type WithdrawalState,
  withdrawalStateOf,
} from '#libs/domain';
import { type Posting, side } from '../domain/posting.js';
import { decideAdvance } from '../domain/withdrawal.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type {
  StoredWithdrawal,
  WithdrawalRepository,
} from '../repositories/withdrawal.repository.js';
import type { Clock } from './clock.js';
import { ledgerEvent, withdrawalMessage } from './events.js';
import { refundOf } from './withdrawals.service.js';

/** Moves withdrawals along as settlement reports. */
export class AdvanceWithdrawalService {
  constructor(
    private readonly database: Database,
    private readonly books: BooksRepository,
    private readonly withdrawals: WithdrawalRepository,
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
  ) {}

  /** Applies a report; repeats and late reports change nothing. MALFORMED, WITHDRAWAL_UNKNOWN. */
  async advance(request: AdvanceWithdrawalRequest): Promise<Result<StoredWithdrawal>> {
    const reported = stateOf(request.state);
    if (reported === undefined) return refuse('MALFORMED', 'state is not one to report');
    return this.database.transaction(async (tx): Promise<Result<StoredWithdrawal>> => {
      const present = await this.withdrawals.lock(tx, request.withdrawalId);
      if (present === undefined) return refuse('WITHDRAWAL_UNKNOWN', 'no withdrawal has this id');
      const decision = decideAdvance(withdrawalStateOf(present.state), reported);
      if (decision.do === 'nothing') return accept(present);
      const nowMs = this.clock();
      const change = {
        state: WITHDRAWAL_STATES[reported],
        failure: request.failure.slice(0, 500),
        txid: request.txid === '' ? present.txid : request.txid,
        nowMs,
      };
      await this.withdrawals.update(tx, present.withdrawalNo, change);
      if (decision.do === 'pay') await this.books.post(tx, paymentOf(present), nowMs);
      if (decision.do === 'refund') await this.books.post(tx, [refundOf(present)], nowMs);
      const stored = { ...present, ...change, queuePosition: 0n };
      const event = { $case: 'withdrawal' as const, value: withdrawalMessage(stored) };
      await this.outbox.add(tx, [ledgerEvent(present.withdrawalId, event, nowMs)]);
      return accept(stored);
    });
  }
}

// The reserve loses what went out on chain; the fee stays in it and becomes the operator's.
function paymentOf(withdrawal: StoredWithdrawal): Posting[] {
  const debit = side('withdrawing', withdrawal.withdrawalNo);
  const reference = withdrawal.withdrawalId;
  const paid: Posting = {
    kind: 'withdraw-paid',
    debit,
    credit: side('reserve', BigInt(withdrawal.asset)),
    units: withdrawal.amountUnits - withdrawal.feeUnits,
    reference,
  };
  if (withdrawal.feeUnits === 0n) return [paid];
  return [
    paid,
    {
      kind: 'withdraw-fee',
      debit,
      credit: side('fees', 0n),
      units: withdrawal.feeUnits,
      reference,
    },
  ];
}

function stateOf(state: number): WithdrawalState | undefined {
  const found = Object.entries(WITHDRAWAL_STATES).find(([, number]) => number === state);
  return found?.[0] as WithdrawalState | undefined;
}

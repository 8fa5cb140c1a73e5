import type { AdvanceWithdrawalRequest } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import {
  accept,
  type Result,
  refuse,
  WITHDRAWAL_STATES,
  type WithdrawalState,
  withdrawalStateOf,
} from '#libs/domain';
import { type Posting, side } from '../domain/posting.js';
import { decideAdvance, isFinal } from '../domain/withdrawal.js';
import { dayOf, type SettlementPace } from '../domain/withdrawal-limits.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type {
  StoredWithdrawal,
  WithdrawalRepository,
} from '../repositories/withdrawal.repository.js';
import type { WithdrawalDayRepository } from '../repositories/withdrawal-day.repository.js';
import type { Clock } from './clock.js';
import { ledgerEvent, withdrawalMessage } from './events.js';
import { refundOf } from './withdrawals.service.js';

/** Characters of what settlement says about a withdrawal. */
const TEXT_MAX = 500;

/** What moving withdrawals along needs. */
export type AdvanceDependencies = {
  readonly database: Database;
  readonly books: BooksRepository;
  readonly withdrawals: WithdrawalRepository;
  readonly withdrawalDays: WithdrawalDayRepository;
  readonly outbox: OutboxRepository;
  readonly clock: Clock;
  readonly pace: SettlementPace;
};

/** Moves withdrawals along as settlement reports. */
export class AdvanceWithdrawalService {
  constructor(private readonly deps: AdvanceDependencies) {}

  /**
   * Applies a report; repeats and late reports change nothing but the note of a withdrawal that is not
   * finished. MALFORMED, WITHDRAWAL_UNKNOWN.
   */
  async advance(request: AdvanceWithdrawalRequest): Promise<Result<StoredWithdrawal>> {
    const reported = stateOf(request.state);
    if (reported === undefined) return refuse('MALFORMED', 'state is not one to report');
    const { database, withdrawals, clock } = this.deps;
    return database.transaction(async (tx): Promise<Result<StoredWithdrawal>> => {
      const present = await withdrawals.lock(tx, request.withdrawalId);
      if (present === undefined) return refuse('WITHDRAWAL_UNKNOWN', 'no withdrawal has this id');
      const change = changeOf(present, reported, request);
      return accept(
        change === undefined ? present : await this.#apply(tx, present, change, clock()),
      );
    });
  }

  async #apply(
    tx: Transaction,
    present: StoredWithdrawal,
    change: Change,
    nowMs: bigint,
  ): Promise<StoredWithdrawal> {
    const { books, withdrawals, withdrawalDays, outbox, pace } = this.deps;
    await withdrawals.update(tx, present.withdrawalNo, { ...change, nowMs });
    if (change.does === 'pay') await books.post(tx, paymentOf(present), nowMs);
    if (change.does === 'refund') {
      const { accountNo, amountUnits, requestedAtMs } = present;
      await books.post(tx, [refundOf(present)], nowMs);
      await withdrawalDays.add(tx, dayOf(requestedAtMs), accountNo, -amountUnits);
    }
    const stored = await withdrawals.find(present.withdrawalId, tx.sql);
    if (stored === undefined) throw new Error('a withdrawal disappeared');
    const event = { $case: 'withdrawal' as const, value: withdrawalMessage(stored, pace, nowMs) };
    await outbox.add(tx, [ledgerEvent(present.withdrawalId, event, nowMs)]);
    return stored;
  }
}

type Change = Pick<StoredWithdrawal, 'state' | 'failure' | 'txid' | 'note'> & {
  readonly does: 'advance' | 'pay' | 'refund';
};

/** What a report changes, or undefined when that is nothing. */
function changeOf(
  present: StoredWithdrawal,
  reported: WithdrawalState,
  request: AdvanceWithdrawalRequest,
): Change | undefined {
  const state = withdrawalStateOf(present.state);
  if (isFinal(state)) return undefined;
  const { do: does } = decideAdvance(state, reported);
  const note = request.note.slice(0, TEXT_MAX);
  if (does === 'nothing') {
    const { failure, txid } = present;
    return note === present.note
      ? undefined
      : { does: 'advance', state: present.state, failure, txid, note };
  }
  return {
    does,
    state: WITHDRAWAL_STATES[reported],
    failure: request.failure.slice(0, TEXT_MAX),
    txid: request.txid === '' ? present.txid : request.txid,
    note: does === 'advance' ? note : '',
  };
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

import type { Result } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { DEPOSIT } from '../domain/states.js';
import type { DepositRepository, StoredDeposit } from '../repositories/deposit.repository.js';
import type { Clock } from './clock.js';
import { concurrently } from './concurrently.js';
import type { Books } from './ports.js';

const DEPOSITS_PER_ROUND = 200;
const CONCURRENT_CALLS = 8;

/** Has deposits booked: seen ones, and those that an operator has decided about. The books know each by (txid, index), so repeating is harmless. */
export class DepositBookingService {
  constructor(
    private readonly deposits: DepositRepository,
    private readonly books: Books,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Books what has been seen; true when there may be more. Throws when the ledger does not answer. */
  async round(): Promise<boolean> {
    const unbooked = await this.deposits.unbooked(DEPOSITS_PER_ROUND);
    await concurrently(unbooked, CONCURRENT_CALLS, (deposit) => this.book(deposit));
    return unbooked.length === DEPOSITS_PER_ROUND;
  }

  /** Has one deposit booked. Throws when the ledger does not answer; repeating is harmless. */
  async book(deposit: StoredDeposit): Promise<void> {
    const { txid, index } = deposit;
    failPoint('settlement.before-credit');
    const booked = await this.#ask(deposit);
    failPoint('settlement.after-credit');
    const nowMs = this.clock();
    const staysInSuspense = deposit.suspense && deposit.state === DEPOSIT.seen;
    if (booked.ok) {
      const state = staysInSuspense ? DEPOSIT.suspense : DEPOSIT.credited;
      await this.deposits.close(deposit, { state, note: '', nowMs });
      return;
    }
    if (isTransient(booked.reason)) {
      throw new Error(`the ledger does not book deposits: ${booked.detail}`);
    }
    // The ledger will never book it as it is; an operator has to look.
    const note = `${booked.reason}: ${booked.detail}`;
    this.logger.error({ txid: txid.toString('hex'), index, note }, 'a deposit is held');
    // What is in suspense stays there: it is booked, only not to the account that was named.
    const isBooked = deposit.suspense && deposit.state === DEPOSIT.resolving;
    const state = isBooked ? DEPOSIT.suspense : DEPOSIT.held;
    await this.deposits.close(deposit, { state, note, nowMs });
  }

  #ask(deposit: StoredDeposit): Promise<Result<void>> {
    const { txid, index, asset, account, units, baseUnits, blockNumber, suspense } = deposit;
    const amount = { txid, index, asset, account, amountUnits: units };
    return suspense && deposit.state === DEPOSIT.resolving
      ? this.books.resolveSuspense(amount)
      : this.books.creditDeposit({ ...amount, baseUnits, blockNumber, suspense });
  }
}

/** True for answers that say nothing about the request itself. */
export function isTransient(reason: string): boolean {
  return ['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'OVERLOADED', 'UNAUTHENTICATED'].includes(reason);
}

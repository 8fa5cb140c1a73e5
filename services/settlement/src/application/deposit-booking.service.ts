import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { DEPOSIT } from '../domain/states.js';
import type { DepositRepository, StoredDeposit } from '../repositories/deposit.repository.js';
import type { Clock } from './clock.js';
import { concurrently } from './concurrently.js';
import type { Books } from './ports.js';

const DEPOSITS_PER_ROUND = 200;
const CONCURRENT_CALLS = 8;

/** Has seen deposits booked. The books know each by (txid, index), so repeating is harmless. */
export class DepositBookingService {
  constructor(
    private readonly deposits: DepositRepository,
    private readonly books: Books,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Books what has been seen; true when there may be more. Throws when the ledger does not answer. */
  async round(): Promise<boolean> {
    const seen = await this.deposits.seen(DEPOSITS_PER_ROUND);
    await concurrently(seen, CONCURRENT_CALLS, (deposit) => this.#book(deposit));
    return seen.length === DEPOSITS_PER_ROUND;
  }

  async #book(deposit: StoredDeposit): Promise<void> {
    const { txid, index, asset, account, units, blockNumber, suspense } = deposit;
    failPoint('settlement.before-credit');
    const booked = await this.books.creditDeposit({
      txid,
      index,
      asset,
      account,
      amountUnits: units,
      blockNumber,
      suspense,
    });
    failPoint('settlement.after-credit');
    const nowMs = this.clock();
    if (booked.ok) {
      const state = suspense ? DEPOSIT.suspense : DEPOSIT.credited;
      await this.deposits.close(deposit, { state, note: '', nowMs });
      return;
    }
    if (isTransient(booked.reason)) {
      throw new Error(`the ledger does not book deposits: ${booked.detail}`);
    }
    // The ledger will never book it as it is; an operator has to look.
    const note = `${booked.reason}: ${booked.detail}`;
    this.logger.error({ txid: txid.toString('hex'), index, note }, 'a deposit is held');
    await this.deposits.close(deposit, { state: DEPOSIT.held, note, nowMs });
  }
}

/** True for answers that say nothing about the request itself. */
export function isTransient(reason: string): boolean {
  return ['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'OVERLOADED', 'UNAUTHENTICATED'].includes(reason);
}

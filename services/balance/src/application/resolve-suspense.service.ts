import type { ResolveSuspenseRequest } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { accept, isAddress, type Result, refuse } from '#libs/domain';
import { side } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { depositEvent } from './events.js';

/** What moving a deposit out of suspense needs. */
export type ResolveSuspenseDependencies = {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly books: BooksRepository;
  readonly deposits: DepositRepository;
  readonly outbox: OutboxRepository;
  readonly clock: Clock;
};

/** Gives deposits in suspense to the accounts that an operator has found. */
export class ResolveSuspenseService {
  constructor(private readonly deps: ResolveSuspenseDependencies) {}

  /**
   * Moves one deposit from suspense to an account, once; true when it had been moved there before. The
   * amount is the booked one: the request only has to know it.
   * MALFORMED, NOT_FOUND, ID_REUSED (other units or asset, or the deposit is somebody's).
   */
  async resolve(request: ResolveSuspenseRequest): Promise<Result<boolean>> {
    if (request.txid.length !== 32) return refuse('MALFORMED', 'txid must have 32 bytes');
    if (!isAddress(request.account)) return refuse('MALFORMED', 'account is not a TRON address');
    return this.deps.database.transaction((tx) => this.#move(tx, request));
  }

  async #move(tx: Transaction, request: ResolveSuspenseRequest): Promise<Result<boolean>> {
    const { accounts, books, deposits, outbox, clock } = this.deps;
    const { txid, index, account, asset, amountUnits: units } = request;
    const stored = await deposits.lock(tx, txid, index);
    if (stored === undefined) return refuse('NOT_FOUND', 'no such deposit is booked');
    if (stored.units !== units || stored.asset !== asset) {
      return refuse('ID_REUSED', 'this deposit was booked with other units or of another asset');
    }
    const nowMs = clock();
    const accountNo = await accounts.ensure(tx, account, nowMs);
    if (stored.accountNo !== null) {
      return stored.resolvedAtMs !== null && stored.accountNo === accountNo
        ? accept(true)
        : refuse('ID_REUSED', "this deposit is in somebody's balance already");
    }
    await deposits.resolve(tx, { txid, index }, { accountNo, nowMs });
    const debit = side('suspense', BigInt(stored.asset));
    const credit = side('available', accountNo);
    const kind = 'suspense-resolved';
    await books.post(tx, [{ kind, debit, credit, units, reference: txid }], nowMs);
    await outbox.add(tx, [depositEvent(account, units, txid, nowMs)]);
    return accept(false);
  }
}

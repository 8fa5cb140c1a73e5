import { assetFromWire, type CreditDepositRequest } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import {
  type AssetName,
  accept,
  isAddress,
  isAmount,
  type Refusal,
  type Result,
  refuse,
  SUPPLY_UNITS,
  unitsFloor,
} from '#libs/domain';
import { side } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { DepositRepository, StoredDeposit } from '../repositories/deposit.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { depositEvent } from './events.js';
import { Refused, refuseRolledBack } from './refused.js';

/** Books what came in from the chain. */
export class DepositsService {
  constructor(
    private readonly database: Database,
    private readonly accounts: AccountRepository,
    private readonly books: BooksRepository,
    private readonly deposits: DepositRepository,
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Credits one solidified transfer, once per (txid, index); true when it had been credited before.
   * MALFORMED (also units that do not follow from the base units: an error of scale or asset),
   * ASSET_UNKNOWN, LIMIT_EXCEEDED (more than the supply, alone or with what is here already),
   * ID_REUSED (the same transfer with other content: one of the two reports lies).
   */
  async credit(request: CreditDepositRequest): Promise<Result<boolean>> {
    const asset = assetFromWire(request.asset);
    if (asset === undefined) return refuse('ASSET_UNKNOWN', 'the asset does not back this ledger');
    const problem = shapeProblem(request, asset);
    if (problem !== undefined) return problem;
    const book = (tx: Transaction) => this.#book(tx, request, this.clock());
    return this.database.transaction(book).catch(refuseRolledBack);
  }

  async #book(
    tx: Transaction,
    request: CreditDepositRequest,
    nowMs: bigint,
  ): Promise<Result<boolean>> {
    const accountNo = request.suspense
      ? undefined
      : await this.accounts.ensure(tx, request.account, nowMs);
    const { txid, index, asset, amountUnits: units, blockNumber } = request;
    const deposit = { txid, index, asset, accountNo, units, blockNumber, creditedAtMs: nowMs };
    if (!(await this.deposits.insert(tx, deposit))) {
      const stored = await this.deposits.lock(tx, txid, index);
      const same =
        stored?.units === units && stored.asset === asset && isWhose(stored, request, accountNo);
      return same
        ? accept(true)
        : refuse('ID_REUSED', 'this transfer was booked before with other content');
    }
    const assetNo = BigInt(asset);
    const credit =
      accountNo === undefined ? side('suspense', assetNo) : side('available', accountNo);
    const debit = side('reserve', assetNo);
    await this.books.post(tx, [{ kind: 'deposit', debit, credit, units, reference: txid }], nowMs);
    // Read after the posting, whose row stays locked until the end: two deposits cannot pass it together.
    if ((await this.books.reserve(tx, asset)) > SUPPLY_UNITS) {
      throw new Refused(refuse('LIMIT_EXCEEDED', 'the reserve would be above the supply'));
    }
    if (accountNo !== undefined) {
      await this.outbox.add(tx, [depositEvent(request.account, units, txid, nowMs)]);
    }
    return accept(false);
  }
}

// What was once in suspense is still reported as such by whoever does not know that it was resolved.
function isWhose(
  stored: StoredDeposit,
  request: CreditDepositRequest,
  accountNo: bigint | undefined,
): boolean {
  if (request.suspense) return stored.accountNo === null || stored.resolvedAtMs !== null;
  return stored.accountNo === accountNo;
}

function shapeProblem(request: CreditDepositRequest, asset: AssetName): Refusal | undefined {
  const { amountUnits, baseUnits } = request;
  if (request.txid.length !== 32) return refuse('MALFORMED', 'txid must have 32 bytes');
  if (!isAmount(amountUnits)) return refuse('MALFORMED', 'amount_units must be above 0');
  if (!request.suspense && !isAddress(request.account)) {
    return refuse('MALFORMED', 'account is not a TRON address');
  }
  if (amountUnits > SUPPLY_UNITS) {
    return refuse('LIMIT_EXCEEDED', 'the amount is above the supply of the token');
  }
  if (!/^\d{1,78}$/.test(baseUnits)) {
    return refuse('MALFORMED', 'base_units must be a decimal number');
  }
  if (unitsFloor(asset, BigInt(baseUnits)) !== amountUnits) {
    return refuse('MALFORMED', `${baseUnits} base units of ${asset} are not ${amountUnits} units`);
  }
  return undefined;
}

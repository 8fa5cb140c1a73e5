import { assetFromWire, type CreditDepositRequest } from '#libs/contracts';
import type { Database } from '#libs/database';
import { accept, isAddress, isAmount, type Result, refuse, SUPPLY_UNITS } from '#libs/domain';
import { side } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { ledgerEvent } from './events.js';

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
   * MALFORMED, ASSET_UNKNOWN, LIMIT_EXCEEDED (more than the supply: a unit error, never credited),
   * ID_REUSED (the same transfer with other content: one of the two reports lies).
   */
  async credit(request: CreditDepositRequest): Promise<Result<boolean>> {
    const asset = assetFromWire(request.asset);
    if (asset === undefined) return refuse('ASSET_UNKNOWN', 'the asset does not back this ledger');
    if (request.txid.length !== 32) return refuse('MALFORMED', 'txid must have 32 bytes');
    if (!isAmount(request.amountUnits)) return refuse('MALFORMED', 'amount_units must be above 0');
    if (!request.suspense && !isAddress(request.account)) {
      return refuse('MALFORMED', 'account is not a TRON address');
    }
    if (request.amountUnits > SUPPLY_UNITS) {
      return refuse('LIMIT_EXCEEDED', 'the amount is above the supply of the token');
    }
    return this.database.transaction(async (tx): Promise<Result<boolean>> => {
      const nowMs = this.clock();
      const accountNo = request.suspense
        ? undefined
        : await this.accounts.ensure(tx, request.account, nowMs);
      const deposit = {
        txid: request.txid,
        index: request.index,
        asset: request.asset,
        accountNo,
        units: request.amountUnits,
        blockNumber: request.blockNumber,
        creditedAtMs: nowMs,
      };
      if (!(await this.deposits.insert(tx, deposit))) {
        const stored = await this.deposits.find(tx, request.txid, request.index);
        const same =
          stored?.units === request.amountUnits &&
          stored.asset === request.asset &&
          (stored.accountNo ?? undefined) === accountNo;
        return same
          ? accept(true)
          : refuse('ID_REUSED', 'this transfer was booked before with other content');
      }
      const assetNo = BigInt(request.asset);
      const credit =
        accountNo === undefined ? side('suspense', assetNo) : side('available', accountNo);
      await this.books.post(
        tx,
        [
          {
            kind: 'deposit',
            debit: side('reserve', assetNo),
            credit,
            units: request.amountUnits,
            reference: request.txid,
          },
        ],
        nowMs,
      );
      if (accountNo !== undefined) {
        const { account, amountUnits, txid } = request;
        await this.outbox.add(tx, [
          ledgerEvent(
            txid,
            { $case: 'deposit', value: { account, amountUnits, txid: Buffer.from(txid) } },
            nowMs,
          ),
        ]);
      }
      return accept(false);
    });
  }
}

import {
  Asset,
  assetFromWire,
  type CancelWithdrawalRequest,
  type RequestWithdrawalRequest,
  type Withdrawal,
} from '#libs/contracts';
import { verify } from '#libs/crypto';
import type { Database, Transaction } from '#libs/database';
import {
  type AssetName,
  accept,
  checkValidity,
  type Digests,
  equalBytes,
  isAddress,
  isAmount,
  type Result,
  refuse,
  WITHDRAWAL_STATES,
  withdrawalStateOf,
} from '#libs/domain';
import { type Posting, side } from '../domain/posting.js';
import { isCancellable } from '../domain/withdrawal.js';
import {
  checkAmount,
  checkAvailable,
  checkDay,
  checkReserve,
  dayOf,
  feeOf,
  type SettlementPace,
  type WithdrawalLimits,
} from '../domain/withdrawal-limits.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type {
  StoredWithdrawal,
  WithdrawalRepository,
} from '../repositories/withdrawal.repository.js';
import type { WithdrawalDayRepository } from '../repositories/withdrawal-day.repository.js';
import type { Clock } from './clock.js';
import { ledgerEvent, withdrawalMessage } from './events.js';
import { Refused, refuseRolledBack } from './refused.js';
import type { Signer, SignersService } from './signers.service.js';

/** Under what terms the ledger pays out. */
export type WithdrawalTerms = {
  readonly limits: WithdrawalLimits;
  readonly pace: SettlementPace;
  /** Addresses of the ledger itself: paying out to them would move money in a circle. */
  readonly ownAddresses: readonly string[];
};

/** What the withdrawal use cases need. */
export type WithdrawalsDependencies = {
  readonly database: Database;
  readonly books: BooksRepository;
  readonly withdrawals: WithdrawalRepository;
  readonly withdrawalDays: WithdrawalDayRepository;
  readonly outbox: OutboxRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly terms: WithdrawalTerms;
};

/** Withdrawals as their owners see them. */
export class WithdrawalsService {
  constructor(private readonly deps: WithdrawalsDependencies) {}

  /** A withdrawal as the API shows it. */
  show(withdrawal: StoredWithdrawal): Withdrawal {
    return withdrawalMessage(withdrawal, this.deps.terms.pace, this.deps.clock());
  }

  /**
   * Books a signed withdrawal; the same id again returns it as it is now.
   * The limits of the day are looked at where the units are taken, under locks, so that requests at the
   * same time cannot pass them together.
   * MALFORMED, ASSET_UNKNOWN, WITHDRAWAL_LIMIT, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED,
   * INSUFFICIENT_FUNDS, RESERVE_SHORT.
   */
  async request(request: RequestWithdrawalRequest): Promise<Result<StoredWithdrawal>> {
    const asset = assetFromWire(request.asset);
    if (asset === undefined) return refuse('ASSET_UNKNOWN', 'the asset does not back this ledger');
    const problem = this.#problem(request);
    if (problem !== undefined) return problem;
    const { digests, signers, withdrawals, clock } = this.deps;
    const message = { ...request, asset };
    const signer = await signers.require(
      request.account,
      digests.withdraw(message),
      request.signature,
    );
    if (!signer.ok) return signer;
    const contentHash = digests.withdraw({ ...message, validUntilMs: 0n });
    const before = await withdrawals.find(request.withdrawalId);
    if (before !== undefined) return repeat(before, contentHash);
    const invalid = checkValidity(request.validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return this.deps.database
      .transaction((tx) => this.#book(tx, signer.value, request, { asset, contentHash }))
      .catch(refuseRolledBack);
  }

  async #book(
    tx: Transaction,
    owner: Signer,
    request: RequestWithdrawalRequest,
    content: { asset: AssetName; contentHash: Uint8Array },
  ): Promise<Result<StoredWithdrawal>> {
    const { books, withdrawals, withdrawalDays, terms, clock } = this.deps;
    const nowMs = clock();
    await books.lockHomes(tx, [owner.accountNo]);
    const before = await withdrawals.find(request.withdrawalId, tx.sql);
    if (before !== undefined) return repeat(before, content.contentHash);
    const available = await books.available(tx, owner.accountNo);
    const uncovered = checkAvailable(available, request.amountUnits);
    if (uncovered !== undefined) return uncovered;
    const reserve = await withdrawals.uncommittedReserve(tx.sql, request.asset, true);
    const short = checkReserve(content.asset, reserve, request.amountUnits);
    if (short !== undefined) return short;
    const day = dayOf(nowMs);
    const withdrawn = await withdrawalDays.lock(tx, day, owner.accountNo);
    const above = checkDay(terms.limits, withdrawn, request.amountUnits);
    if (above !== undefined) return above;
    await withdrawalDays.add(tx, day, owner.accountNo, request.amountUnits);
    const withdrawalNo = await withdrawals.insert(tx, {
      withdrawalId: request.withdrawalId,
      contentHash: content.contentHash,
      accountNo: owner.accountNo,
      asset: request.asset,
      destination: request.destination,
      amountUnits: request.amountUnits,
      feeUnits: feeOf(terms.limits, request.toClaim),
      requestedAtMs: nowMs,
      toClaim: request.toClaim,
    });
    if (withdrawalNo === undefined) {
      throw new Refused(refuse('ID_REUSED', 'this withdrawal_id was used by another account'));
    }
    await books.post(
      tx,
      [
        {
          kind: 'withdraw',
          debit: side('available', owner.accountNo),
          credit: side('withdrawing', withdrawalNo),
          units: request.amountUnits,
          reference: request.withdrawalId,
        },
      ],
      nowMs,
    );
    return accept(await this.#published(tx, request.withdrawalId, nowMs));
  }

  /** Gives the units back. WITHDRAWAL_UNKNOWN, BAD_SIGNATURE, EXPIRED, WITHDRAWAL_NOT_CANCELLABLE. */
  async cancel(request: CancelWithdrawalRequest): Promise<Result<StoredWithdrawal>> {
    const { withdrawals, withdrawalDays, digests, clock, database, books } = this.deps;
    if (request.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const found = await withdrawals.find(request.withdrawalId);
    if (found === undefined) return refuse('WITHDRAWAL_UNKNOWN', 'no withdrawal has this id');
    const digest = digests.cancelWithdrawal(request.withdrawalId, request.validUntilMs);
    if (found.accountKey === null || !verify(digest, request.signature, found.accountKey)) {
      return refuse('BAD_SIGNATURE', "the signature is not the account's over this request");
    }
    const invalid = checkValidity(request.validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return database.transaction(async (tx): Promise<Result<StoredWithdrawal>> => {
      const present = await withdrawals.lock(tx, request.withdrawalId);
      if (present === undefined) throw new Error('a withdrawal disappeared');
      const state = withdrawalStateOf(present.state);
      if (state === 'cancelled') return accept(present);
      if (!isCancellable(state)) {
        return refuse('WITHDRAWAL_NOT_CANCELLABLE', `the withdrawal is ${state}`);
      }
      const nowMs = clock();
      await withdrawals.update(tx, present.withdrawalNo, {
        state: WITHDRAWAL_STATES.cancelled,
        failure: '',
        txid: '',
        note: '',
        nowMs,
      });
      await books.post(tx, [refundOf(present)], nowMs);
      const { accountNo, amountUnits, requestedAtMs } = present;
      await withdrawalDays.add(tx, dayOf(requestedAtMs), accountNo, -amountUnits);
      return accept(await this.#published(tx, request.withdrawalId, nowMs));
    });
  }

  async #published(tx: Transaction, withdrawalId: Uint8Array, nowMs: bigint) {
    const { withdrawals, terms } = this.deps;
    const stored = await withdrawals.find(withdrawalId, tx.sql);
    if (stored === undefined) throw new Error('a withdrawal just written is not there');
    const value = withdrawalMessage(stored, terms.pace, nowMs);
    const event = { $case: 'withdrawal' as const, value };
    await this.deps.outbox.add(tx, [ledgerEvent(withdrawalId, event, nowMs)]);
    return stored;
  }

  #problem(request: RequestWithdrawalRequest) {
    const { terms } = this.deps;
    if (request.withdrawalId.length !== 32) {
      return refuse('MALFORMED', 'withdrawal_id must have 32 bytes');
    }
    if (!isAddress(request.account)) return refuse('MALFORMED', 'account is not a TRON address');
    if (!isAddress(request.destination)) {
      return refuse('MALFORMED', 'destination is not a TRON address');
    }
    if (request.toClaim && request.asset !== Asset.TRC20_BTT) {
      return refuse('MALFORMED', 'only TRC-20 can be claimed: the vault holds nothing else');
    }
    if (terms.ownAddresses.includes(request.destination)) {
      return refuse('MALFORMED', "destination is the ledger's own address");
    }
    if (!isAmount(request.amountUnits)) return refuse('MALFORMED', 'amount_units must be above 0');
    if (request.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    return checkAmount(terms.limits, request.amountUnits);
  }
}

/** The posting that gives a withdrawal back in full: a payout that did not happen costs nothing. */
export function refundOf(withdrawal: StoredWithdrawal): Posting {
  return {
    kind: 'withdraw-refund',
    debit: side('withdrawing', withdrawal.withdrawalNo),
    credit: side('available', withdrawal.accountNo),
    units: withdrawal.amountUnits,
    reference: withdrawal.withdrawalId,
  };
}

function repeat(stored: StoredWithdrawal, contentHash: Uint8Array): Result<StoredWithdrawal> {
  return equalBytes(stored.contentHash, contentHash)
    ? accept(stored)
    : refuse('ID_REUSED', 'this withdrawal_id was used for another withdrawal');
}

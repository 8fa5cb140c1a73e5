import {
  assetFromWire,
  type CancelWithdrawalRequest,
  type QuoteWithdrawalRequest,
  type QuoteWithdrawalResponse,
  type RequestWithdrawalRequest,
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
  type Units,
  WITHDRAWAL_STATES,
  withdrawalStateOf,
} from '#libs/domain';
import { type Posting, side } from '../domain/posting.js';
import { isCancellable } from '../domain/withdrawal.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type {
  StoredWithdrawal,
  WithdrawalRepository,
} from '../repositories/withdrawal.repository.js';
import type { Clock } from './clock.js';
import { ledgerEvent, withdrawalMessage } from './events.js';
import type { Signer, SignersService } from './signers.service.js';
import { Insufficient, refuseInsufficient } from './transfers.service.js';

/** Limits and fee of withdrawals, in units. */
export type WithdrawalTerms = {
  readonly minUnits: Units;
  readonly maxUnits: Units;
  readonly feeUnits: Units;
  readonly settlementPeriodMs: bigint;
  /** Addresses of the ledger itself: paying out to them would move money in a circle. */
  readonly ownAddresses: readonly string[];
};

/** What the withdrawal use cases need. */
export type WithdrawalsDependencies = {
  readonly database: Database;
  readonly books: BooksRepository;
  readonly withdrawals: WithdrawalRepository;
  readonly outbox: OutboxRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly terms: WithdrawalTerms;
};

/** Withdrawals as their owners see them. */
export class WithdrawalsService {
  constructor(private readonly deps: WithdrawalsDependencies) {}

  /** What a withdrawal would cost and take now. ASSET_UNKNOWN. */
  async quote(request: QuoteWithdrawalRequest): Promise<Result<QuoteWithdrawalResponse>> {
    const asset = assetFromWire(request.asset);
    if (asset === undefined) return refuse('ASSET_UNKNOWN', 'the asset does not back this ledger');
    const { withdrawals, terms, clock } = this.deps;
    const [queue, reserve] = await Promise.all([
      withdrawals.queueLength(request.asset),
      withdrawals.uncommittedReserve(withdrawals.sql, request.asset, false),
    ]);
    return accept({
      feeUnits: terms.feeUnits,
      minUnits: terms.minUnits,
      maxUnits: terms.maxUnits,
      queuePosition: queue,
      expectedAtMs: clock() + terms.settlementPeriodMs,
      reserveUnits: reserve < 0n ? 0n : reserve,
    });
  }

  /**
   * Books a signed withdrawal; the same id again returns it as it is now.
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
      .catch(refuseInsufficient);
  }

  async #book(
    tx: Transaction,
    owner: Signer,
    request: RequestWithdrawalRequest,
    content: { asset: AssetName; contentHash: Uint8Array },
  ): Promise<Result<StoredWithdrawal>> {
    const { books, withdrawals, terms, clock } = this.deps;
    const nowMs = clock();
    await books.lockHomes(tx, [owner.accountNo]);
    const before = await withdrawals.lock(tx, request.withdrawalId);
    if (before !== undefined) return repeat(before, content.contentHash);
    const available = await books.available(tx, owner.accountNo);
    if (available < request.amountUnits) throw new Insufficient(available);
    const reserve = await withdrawals.uncommittedReserve(tx.sql, request.asset, true);
    if (reserve < request.amountUnits) {
      return refuse('RESERVE_SHORT', `${content.asset} can pay out ${reserve} units now`);
    }
    const withdrawalNo = await withdrawals.insert(tx, {
      withdrawalId: request.withdrawalId,
      contentHash: content.contentHash,
      accountNo: owner.accountNo,
      asset: request.asset,
      destination: request.destination,
      amountUnits: request.amountUnits,
      feeUnits: terms.feeUnits,
      requestedAtMs: nowMs,
    });
    if (withdrawalNo === undefined) {
      return refuse('ID_REUSED', 'this withdrawal_id was used by another account');
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
    const { withdrawals, digests, clock, database, books } = this.deps;
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
        nowMs,
      });
      await books.post(tx, [refundOf(present)], nowMs);
      return accept(await this.#published(tx, request.withdrawalId, nowMs));
    });
  }

  async #published(tx: Transaction, withdrawalId: Uint8Array, nowMs: bigint) {
    const stored = await this.deps.withdrawals.lock(tx, withdrawalId);
    if (stored === undefined) throw new Error('a withdrawal just written is not there');
    const event = { $case: 'withdrawal' as const, value: withdrawalMessage(stored) };
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
    if (terms.ownAddresses.includes(request.destination)) {
      return refuse('MALFORMED', "destination is the ledger's own address");
    }
    if (!isAmount(request.amountUnits)) return refuse('MALFORMED', 'amount_units must be above 0');
    if (request.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    if (request.amountUnits < terms.minUnits || request.amountUnits > terms.maxUnits) {
      return refuse(
        'WITHDRAWAL_LIMIT',
        `a withdrawal is ${terms.minUnits} to ${terms.maxUnits} units`,
      );
    }
    return undefined;
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

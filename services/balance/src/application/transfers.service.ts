import type { TransferRequest } from '#libs/contracts';
import type { Database } from '#libs/database';
import {
  accept,
  checkValidity,
  type Digests,
  equalBytes,
  isAddress,
  isAmount,
  type Result,
  refuse,
} from '#libs/domain';
import { side } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { TransferRepository } from '../repositories/transfer.repository.js';
import type { Clock } from './clock.js';
import type { SignersService } from './signers.service.js';

/** Moves units between accounts at once. */
export class TransfersService {
  constructor(
    private readonly database: Database,
    private readonly accounts: AccountRepository,
    private readonly books: BooksRepository,
    private readonly transfers: TransferRepository,
    private readonly signers: SignersService,
    private readonly context: { readonly digests: Digests; readonly clock: Clock },
  ) {}

  /**
   * Books a signed transfer; the same id again returns the first booking's time.
   * MALFORMED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED, INSUFFICIENT_FUNDS.
   */
  async transfer(request: TransferRequest): Promise<Result<bigint>> {
    const malformed = shapeProblem(request);
    if (malformed !== undefined) return refuse('MALFORMED', malformed);
    const { digests, clock } = this.context;
    const digest = digests.transfer(request);
    const signer = await this.signers.require(request.payer, digest, request.signature);
    if (!signer.ok) return signer;
    // The validity is not part of the content: a client may sign the same transfer anew.
    const contentHash = digests.transfer({ ...request, validUntilMs: 0n });
    const before = await this.transfers.find(request.transferId);
    if (before !== undefined) return repeat(before, contentHash);
    const nowMs = clock();
    const invalid = checkValidity(request.validUntilMs, nowMs);
    if (invalid !== undefined) return invalid;
    return this.database
      .transaction(async (tx): Promise<Result<bigint>> => {
        const payeeNo = await this.accounts.ensure(tx, request.payee, nowMs);
        const payerNo = signer.value.accountNo;
        await this.books.lockHomes(tx, [payerNo, payeeNo]);
        const available = await this.books.available(tx, payerNo);
        const isNew = await this.transfers.insert(tx, request.transferId, {
          contentHash,
          bookedAtMs: nowMs,
        });
        if (!isNew) {
          const stored = await this.transfers.find(request.transferId, tx);
          return stored === undefined
            ? refuse('OUTCOME_UNKNOWN', 'the same transfer is being booked; repeat the request')
            : repeat(stored, contentHash);
        }
        if (available < request.amountUnits) throw new Insufficient(available);
        await this.books.post(
          tx,
          [
            {
              kind: 'transfer',
              debit: side('available', payerNo),
              credit: side('available', payeeNo),
              units: request.amountUnits,
              reference: request.transferId,
            },
          ],
          nowMs,
        );
        return accept(nowMs);
      })
      .catch(refuseInsufficient);
  }
}

/** Rolls a transaction back because the balance does not cover it. */
export class Insufficient extends Error {
  override readonly name = 'Insufficient';

  constructor(readonly available: bigint) {
    super(`${available} units are available`);
  }
}

/** Turns the rollback above into its refusal. */
export function refuseInsufficient(error: unknown) {
  if (error instanceof Insufficient) return refuse('INSUFFICIENT_FUNDS', error.message);
  throw error;
}

function repeat(
  stored: { contentHash: Uint8Array; bookedAtMs: bigint },
  contentHash: Uint8Array,
): Result<bigint> {
  return equalBytes(stored.contentHash, contentHash)
    ? accept(stored.bookedAtMs)
    : refuse('ID_REUSED', 'this transfer_id was used for another transfer');
}

function shapeProblem(request: TransferRequest): string | undefined {
  if (request.transferId.length !== 32) return 'transfer_id must have 32 bytes';
  if (!isAddress(request.payer)) return 'payer is not a TRON address';
  if (!isAddress(request.payee)) return 'payee is not a TRON address';
  if (request.payer === request.payee) return 'payer and payee are the same account';
  if (!isAmount(request.amountUnits)) return 'amount_units must be above 0';
  if (request.validUntilMs <= 0n) return 'valid_until_ms is missing';
  return undefined;
}

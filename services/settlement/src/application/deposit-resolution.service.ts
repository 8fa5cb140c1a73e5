import { type Address, accept, type Result, refuse } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { type Resolution, resolutionProblem } from '../domain/resolution.js';
import { DEPOSIT } from '../domain/states.js';
import type { DepositRepository, StoredDeposit } from '../repositories/deposit.repository.js';
import type { ResolutionRepository } from '../repositories/resolution.repository.js';
import type { Clock } from './clock.js';
import type { DepositBookingService } from './deposit-booking.service.js';

/** A deposit after a decision about it. */
export type Resolved = { readonly deposit: StoredDeposit; readonly repeated: boolean };

/** Ends the waiting of deposits as operators decide. */
export class DepositResolutionService {
  constructor(
    private readonly resolutions: ResolutionRepository,
    private readonly deposits: DepositRepository,
    private readonly booking: DepositBookingService,
    private readonly own: ReadonlySet<Address>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /**
   * Takes a decision and has it booked; what the books do not answer now, the booking loop asks again.
   * MALFORMED, NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, ID_REUSED.
   */
  async resolve(resolution: Resolution): Promise<Result<Resolved>> {
    const problem = resolutionProblem(resolution, this.own);
    if (problem !== undefined) return problem;
    const decided = await this.resolutions.decide(resolution, this.clock());
    if (!decided.ok) return decided;
    const { txid, index, decision, operator, reason } = resolution;
    if (!decided.value) {
      const id = Buffer.from(txid).toString('hex');
      this.logger.warn({ txid: id, index, decision, operator, reason }, 'a deposit is resolved');
    }
    const before = await this.#find(txid, index);
    if (before?.state === DEPOSIT.resolving) await this.#book(before);
    const deposit = await this.#find(txid, index);
    return deposit === undefined
      ? refuse('NOT_FOUND', 'no deposit of this transaction and index is known')
      : accept({ deposit, repeated: decided.value });
  }

  async #find(txid: Uint8Array, index: number): Promise<StoredDeposit | undefined> {
    const found = await this.deposits.find(txid);
    return found.find((deposit) => deposit.index === index);
  }

  async #book(deposit: StoredDeposit): Promise<void> {
    try {
      await this.booking.book(deposit);
    } catch (error) {
      this.logger.warn({ err: error }, 'a resolved deposit is booked later');
    }
  }
}

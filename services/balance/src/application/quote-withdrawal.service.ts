import type { Metadata } from '@grpc/grpc-js';
import {
  assetFromWire,
  type ClaimQuote,
  type QuoteWithdrawalRequest,
  type QuoteWithdrawalResponse,
  Reason,
} from '#libs/contracts';
import { type AssetName, accept, isAmount, type Result, refuse, type Units } from '#libs/domain';
import { hasSession } from '#libs/grpc';
import {
  CLAIM_ENERGY_MAX,
  checkAmount,
  checkAvailable,
  checkDay,
  checkReserve,
  type DayUnits,
  dayEndsAtMs,
  dayOf,
  expectedAtMs,
  feeOf,
  leftOfDay,
  type WithdrawalLimits,
} from '../domain/withdrawal-limits.js';
import type { StatementRepository } from '../repositories/statement.repository.js';
import type { WithdrawalRepository } from '../repositories/withdrawal.repository.js';
import type { WithdrawalDayRepository } from '../repositories/withdrawal-day.repository.js';
import type { Clock } from './clock.js';
import type { Signer, SignersService } from './signers.service.js';
import type { WithdrawalTerms } from './withdrawals.service.js';

/** What quotes need. */
export type QuoteDependencies = {
  readonly withdrawals: WithdrawalRepository;
  readonly withdrawalDays: WithdrawalDayRepository;
  readonly statements: StatementRepository;
  readonly signers: SignersService;
  readonly clock: Clock;
  readonly terms: WithdrawalTerms;
};

type Facts = {
  readonly asset: AssetName;
  readonly reserve: Units;
  readonly withdrawn: DayUnits;
  /** Undefined when nobody says whose withdrawal it would be. */
  readonly available: Units | undefined;
};

/** Tells what a withdrawal would cost and whether it would be taken, before anybody asks for it. */
export class QuoteWithdrawalService {
  constructor(private readonly deps: QuoteDependencies) {}

  /** ASSET_UNKNOWN, MALFORMED, and UNAUTHENTICATED for a session trailer that is there and wrong. */
  async quote(
    request: QuoteWithdrawalRequest,
    metadata: Metadata,
  ): Promise<Result<QuoteWithdrawalResponse>> {
    const asset = assetFromWire(request.asset);
    if (asset === undefined) return refuse('ASSET_UNKNOWN', 'the asset does not back this ledger');
    const { amountUnits } = request;
    if (!isAmount(amountUnits)) return refuse('MALFORMED', 'amount_units must be above 0');
    const { signers, withdrawals, terms, clock } = this.deps;
    const caller = hasSession(metadata) ? await signers.session(metadata) : accept(undefined);
    if (!caller.ok) return caller;
    const nowMs = clock();
    const [queuePosition, facts] = await Promise.all([
      withdrawals.queueLength(request.asset),
      this.#facts(asset, request.asset, caller.value, nowMs),
    ]);
    const { limits, pace } = terms;
    const left = leftOfDay(limits, facts.withdrawn);
    const refusal = this.#refusalOf(facts, amountUnits);
    return accept({
      feeUnits: limits.feeUnits,
      minUnits: limits.minUnits,
      maxUnits: limits.maxUnits,
      queuePosition,
      expectedAtMs: expectedAtMs(pace, queuePosition, nowMs),
      reserveUnits: facts.reserve < 0n ? 0n : facts.reserve,
      payoutUnits: amountUnits > limits.feeUnits ? amountUnits - limits.feeUnits : 0n,
      accountLeftUnits: left.account,
      ledgerLeftUnits: left.ledger,
      dayEndsAtMs: dayEndsAtMs(nowMs),
      refusal: refusal === undefined ? Reason.UNSPECIFIED : Reason[refusal.reason],
      refusalDetail: refusal?.detail ?? '',
      claim: asset === 'TRC20_BTT' ? claimQuote(limits, amountUnits) : undefined,
    });
  }

  async #facts(
    asset: AssetName,
    assetNo: number,
    caller: Signer | undefined,
    nowMs: bigint,
  ): Promise<Facts> {
    const { withdrawals, withdrawalDays, statements } = this.deps;
    const { sql } = withdrawals;
    const [reserve, withdrawn, balances] = await Promise.all([
      withdrawals.uncommittedReserve(sql, assetNo, false),
      withdrawalDays.read(sql, dayOf(nowMs), caller?.accountNo),
      caller === undefined ? [] : statements.balances([caller.accountNo]),
    ]);
    return { asset, reserve, withdrawn, available: balances[0]?.available };
  }

  /** What a request would answer now, in the order in which it looks. */
  #refusalOf({ asset, reserve, withdrawn, available }: Facts, units: Units) {
    const { limits } = this.deps.terms;
    return (
      checkAmount(limits, units) ??
      (available === undefined ? undefined : checkAvailable(available, units)) ??
      checkReserve(asset, reserve, units) ??
      checkDay(limits, withdrawn, units)
    );
  }
}

function claimQuote(limits: WithdrawalLimits, amountUnits: Units): ClaimQuote {
  const feeUnits = feeOf(limits, true);
  return {
    feeUnits,
    payoutUnits: amountUnits > feeUnits ? amountUnits - feeUnits : 0n,
    savingUnits: feeOf(limits, false) - feeUnits,
    payeeEnergy: CLAIM_ENERGY_MAX,
  };
}

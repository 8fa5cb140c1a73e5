import {
  type Address,
  type AssetName,
  accept,
  isAddress,
  LIMITS,
  type Refusal,
  type Result,
  refuse,
  SUPPLY_UNITS,
  type Units,
  unitsFloor,
} from '#libs/domain';
import { DEPOSIT } from './states.js';
import { areStorable } from './words.js';

const REASON_MIN = 3;
const OPERATOR_MAX = 64;

/** What an operator has decided: to whom a deposit is credited, or that it is to nobody. */
export type Decision =
  | { readonly kind: 'credit'; readonly account: Address }
  | { readonly kind: 'dismiss' };

/** A decision with who took it and why. */
export type Resolution = {
  /** 32 bytes made by the caller. */
  readonly resolutionId: Uint8Array;
  readonly txid: Uint8Array;
  readonly index: number;
  readonly decision: Decision;
  readonly reason: string;
  readonly operator: string;
};

/** What is wrong with a resolution in itself, or undefined. `own` are addresses of the ledger. */
export function resolutionProblem(
  resolution: Resolution,
  own: ReadonlySet<Address>,
): Refusal | undefined {
  const { resolutionId, txid, index, decision, reason, operator } = resolution;
  if (resolutionId.length !== 32) return refuse('MALFORMED', 'resolution_id must have 32 bytes');
  if (txid.length !== 32) return refuse('MALFORMED', 'txid must have 32 bytes');
  if (!Number.isInteger(index) || index < 0) {
    return refuse('MALFORMED', 'index must not be below 0');
  }
  if (!isText(reason, REASON_MIN, LIMITS.textMax)) {
    return refuse('MALFORMED', `reason must have ${REASON_MIN} to ${LIMITS.textMax} characters`);
  }
  if (!isText(operator, 1, OPERATOR_MAX)) {
    return refuse('MALFORMED', `operator must have 1 to ${OPERATOR_MAX} characters`);
  }
  if (decision.kind === 'dismiss') return undefined;
  if (!isAddress(decision.account)) {
    return refuse('MALFORMED', 'credit_account is not a TRON address');
  }
  return own.has(decision.account)
    ? refuse('MALFORMED', 'credit_account belongs to the ledger itself')
    : undefined;
}

/** A deposit as far as a decision about it goes. */
export type WaitingDeposit = {
  readonly state: number;
  readonly asset: AssetName;
  readonly baseUnits: bigint;
};

/** How a decided deposit goes on. */
export type Outcome = { readonly state: number; readonly units: Units };

/**
 * What a decision makes of a deposit. The units follow from what the chain moved: nobody names an amount.
 * NOT_FOUND when it does not wait, NOT_PERMITTED to dismiss what is booked, LIMIT_EXCEEDED when no amount can be right.
 */
export function applyDecision(deposit: WaitingDeposit, decision: Decision): Result<Outcome> {
  const { suspense, held, misdirected } = DEPOSIT;
  if (![suspense, held, misdirected].some((state) => state === deposit.state)) {
    return refuse('NOT_FOUND', 'this deposit does not wait for an operator');
  }
  const units = unitsFloor(deposit.asset, deposit.baseUnits);
  if (decision.kind === 'dismiss') {
    return deposit.state === suspense
      ? refuse('NOT_PERMITTED', 'what is in suspense is booked: it can only be credited')
      : accept({ state: DEPOSIT.dismissed, units: units > SUPPLY_UNITS ? 0n : units });
  }
  if (units === 0n || units > SUPPLY_UNITS) {
    return refuse('LIMIT_EXCEEDED', `${deposit.baseUnits} base units cannot be credited`);
  }
  return accept({ state: DEPOSIT.resolving, units });
}

function isText(text: string, min: number, max: number): boolean {
  const { length } = text.trim();
  return length >= min && text.length <= max && areStorable(text);
}

import { LIMITS, type Refusal, refuse, type Units } from '#libs/domain';
import { CHANNEL, type ChannelTable } from './channel-table.js';
import { type ClaimRefusal, staleRefusal } from './claim.js';

/*
 * The ladder that every payment climbs, cheap rungs before dear ones; the first failure wins:
 *
 * shape → limits → channel known → channel accepts → payee → expiry → within the deposit →
 * superseded? → proof (signature or preimage).
 *
 * `check…Form` are the rungs before "known", `check…Standing` those after it. The proof is checked at
 * the flush, and only that of the highest claim of a channel. Rungs take numbers and a row of the
 * table, so that a payment which climbs to the top makes no object.
 */

const VALIDITY_MAX_MS = Number(LIMITS.validityMaxMs);

/** Validity of a voucher or bundle as far as it is form; expiry is a later rung. */
export function checkValidityForm(validUntilMs: number, nowMs: number): Refusal | undefined {
  if (validUntilMs <= 0) return refuse('MALFORMED', 'valid_until_ms must be above 0');
  if (validUntilMs > nowMs + VALIDITY_MAX_MS) {
    return refuse('MALFORMED', 'valid_until_ms is too far ahead');
  }
  return undefined;
}

/** The amount of a voucher or of a bundle's entry as far as it is form. */
export function checkAmountForm(cumulativeUnits: Units): Refusal | undefined {
  if (cumulativeUnits > 0n) return undefined;
  return refuse('MALFORMED', 'cumulative_units must be above 0');
}

/** The refusal of a voucher or bundle whose time is over. */
export function checkExpiry(validUntilMs: number, nowMs: number): Refusal | undefined {
  if (validUntilMs >= nowMs) return undefined;
  return refuse('EXPIRED', 'the validity of the voucher is over');
}

/** The refusal of a channel that takes no payments at this time; undefined while it does. */
export function notAccepting(table: ChannelTable, row: number, nowMs: number): Refusal | undefined {
  if (table.accepts(row, nowMs)) return undefined;
  if (table.state(row) === CHANNEL.stale) return staleRefusal();
  return refuse('CHANNEL_CLOSED', 'the channel no longer takes payments');
}

/** The refusal of a channel of which we do not know now whether a payment counts; undefined if we do. */
export function notSure(table: ChannelTable, row: number, nowMs: number): Refusal | undefined {
  if (!table.isFresh(table.partition(row), nowMs)) return staleRefusal();
  return notAccepting(table, row, nowMs);
}

/** The refusal of an amount above the channel's deposit. */
export function aboveDeposit(
  table: ChannelTable,
  row: number,
  cumulativeUnits: Units,
): Refusal | undefined {
  const depositUnits = table.depositUnits(row);
  if (cumulativeUnits <= depositUnits) return undefined;
  return refuse('ABOVE_DEPOSIT', `the channel's deposit is ${depositUnits} units`);
}

/** The refusal of an amount that is not above what is durably accepted; undefined when it is above. */
export function superseded(
  table: ChannelTable,
  row: number,
  cumulativeUnits: Units,
): ClaimRefusal | undefined {
  const acceptedUnits = table.acceptedUnits(row);
  return cumulativeUnits > acceptedUnits ? undefined : supersededBy(acceptedUnits);
}

/** What is said of an amount that is not above what is durably accepted. */
export function supersededBy(acceptedUnits: Units): ClaimRefusal {
  return {
    ...refuse('SUPERSEDED', 'an equal or higher amount is already accepted'),
    acceptedUnits,
  };
}

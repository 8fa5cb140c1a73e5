import { type Address, type Refusal, refuse, type Units } from '#libs/domain';
import type { ChannelTable } from './channel-table.js';
import type { ClaimRefusal } from './claim.js';
import {
  aboveDeposit,
  checkAmountForm,
  checkExpiry,
  checkValidityForm,
  notAccepting,
  superseded,
} from './ladder.js';

/** A voucher as it arrives in the typed API. */
export type VoucherMessage = {
  readonly channelId: Uint8Array;
  readonly payee: Address;
  readonly cumulativeUnits: Units;
  readonly validUntilMs: bigint;
  readonly signature: Uint8Array;
};

// Only the spelling: computing the checksum would cost a tenth of a signature check, and an address
// with a wrong one cannot equal the channel's payee.
const ADDRESS_SPELLING = /^T[1-9A-HJ-NP-Za-km-z]{33}$/;

/** Shape and limits of a typed voucher. */
export function checkVoucherForm(voucher: VoucherMessage, nowMs: number): Refusal | undefined {
  if (voucher.channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
  if (!ADDRESS_SPELLING.test(voucher.payee)) return refuse('MALFORMED', 'payee is no TRON address');
  const amount = checkAmountForm(voucher.cumulativeUnits);
  if (amount !== undefined) return amount;
  if (voucher.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms must be above 0');
  if (voucher.signature.length !== 64) return refuse('MALFORMED', 'signature must have 64 bytes');
  return checkValidityForm(Number(voucher.validUntilMs), nowMs);
}

/**
 * The rungs of a voucher on a known channel. A packed record names no payee, since its handle is the
 * channel: the payee is undefined then.
 */
export function checkVoucherStanding(
  table: ChannelTable,
  row: number,
  payee: Address | undefined,
  cumulativeUnits: Units,
  validUntilMs: number,
  nowMs: number,
): ClaimRefusal | undefined {
  const closed = notAccepting(table, row, nowMs);
  if (closed !== undefined) return closed;
  if (payee !== undefined && !table.payeeIs(row, payee)) {
    return refuse('PAYEE_MISMATCH', 'the channel pays another payee');
  }
  return (
    checkExpiry(validUntilMs, nowMs) ??
    aboveDeposit(table, row, cumulativeUnits) ??
    superseded(table, row, cumulativeUnits)
  );
}

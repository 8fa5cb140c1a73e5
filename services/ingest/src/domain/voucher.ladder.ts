import { type Address, checkValidity, type Refusal, refuse, type Units } from '#libs/domain';
import { type Channel, notAccepting } from './channel.js';
import { type ClaimRefusal, superseded } from './claim.js';
import type { Ladder } from './ladder.js';

/** A voucher as it arrives. */
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

/** The ladder of a voucher; its proof is the payer's signature. */
export const VOUCHER_LADDER: Ladder<VoucherMessage> = {
  kind: 'voucher',
  checkForm: (voucher, nowMs) => checkShape(voucher) ?? checkLimits(voucher, nowMs),
  checkStanding,
  mayBeBehind: () => false,
  claim: (voucher, channel) => ({
    kind: 'voucher',
    channel,
    cumulativeUnits: voucher.cumulativeUnits,
    detail: voucher.validUntilMs,
    proof: voucher.signature,
  }),
};

function checkStanding(
  voucher: VoucherMessage,
  channel: Channel,
  nowMs: bigint,
): ClaimRefusal | undefined {
  return (
    notAccepting(channel, nowMs) ??
    checkPayee(voucher, channel) ??
    checkExpiry(voucher, nowMs) ??
    checkDeposit(voucher, channel) ??
    superseded(channel, voucher.cumulativeUnits)
  );
}

function checkShape(voucher: VoucherMessage): Refusal | undefined {
  if (voucher.channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
  if (!ADDRESS_SPELLING.test(voucher.payee)) return refuse('MALFORMED', 'payee is no TRON address');
  if (voucher.cumulativeUnits <= 0n) return refuse('MALFORMED', 'cumulative_units must be above 0');
  if (voucher.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms must be above 0');
  if (voucher.signature.length !== 64) return refuse('MALFORMED', 'signature must have 64 bytes');
  return undefined;
}

function checkLimits(voucher: VoucherMessage, nowMs: bigint): Refusal | undefined {
  const refusal = checkValidity(voucher.validUntilMs, nowMs);
  return refusal?.reason === 'EXPIRED' ? undefined : refusal;
}

function checkPayee(voucher: VoucherMessage, channel: Channel): Refusal | undefined {
  if (voucher.payee === channel.payee) return undefined;
  return refuse('PAYEE_MISMATCH', 'the channel pays another payee');
}

function checkExpiry(voucher: VoucherMessage, nowMs: bigint): Refusal | undefined {
  if (voucher.validUntilMs >= nowMs) return undefined;
  return refuse('EXPIRED', 'the validity of the voucher is over');
}

function checkDeposit(voucher: VoucherMessage, channel: Channel): Refusal | undefined {
  if (voucher.cumulativeUnits <= channel.depositUnits) return undefined;
  return refuse('ABOVE_DEPOSIT', `the channel's deposit is ${channel.depositUnits} units`);
}

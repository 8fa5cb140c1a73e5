import {
  accept,
  LIMITS,
  type Refusal,
  type Result,
  refuse,
  type TickCommitment,
  tickUnits,
  UNITS_MAX,
  type Units,
} from '#libs/domain';

/** The form of a commitment, at the opening or later. MALFORMED, LIMIT_EXCEEDED. */
export function checkTickTerms(ticks: TickCommitment): Result<TickCommitment> {
  if (ticks.chainEnd.length !== 32) return refuse('MALFORMED', 'chain_end must have 32 bytes');
  if (ticks.tickValueUnits <= 0n || ticks.ticksMax <= 0n) {
    return refuse('MALFORMED', 'tick_value_units and ticks_max must be above 0');
  }
  if (ticks.baseUnits < 0n) return refuse('MALFORMED', 'base_units must not be below 0');
  if (ticks.ticksMax > LIMITS.ticksMax || tickUnits(ticks, ticks.ticksMax) > UNITS_MAX) {
    return refuse('LIMIT_EXCEEDED', `ticks_max is at most ${LIMITS.ticksMax} and must fit 64 bits`);
  }
  return accept(ticks);
}

/** What decides whether a channel may pay by another chain. */
export type CommittableChannel = {
  readonly depositUnits: Units;
  /** Booked so far; what is only acknowledged does not count. */
  readonly cumulativeUnits: Units;
  readonly ticks: TickCommitment | undefined;
};

/**
 * Whether a channel may pay by `next` from now on: undefined, or why not. Nobody loses by it:
 *
 * - The payee may hold ticks of the present chain that are not posted or not booked yet, and the ledger
 *   can check them only while it knows the chain. So that must be used up in the books: then no tick
 *   of it is worth more than what is booked already. TICKS_LEFT otherwise.
 * - A base below what is owed would make the first ticks worthless to a payee who serves for them.
 *   SUPERSEDED. A base above it is the payer's to sign; vouchers that it covers stay good.
 * - A chain without a tick that the deposit covers is a mistake. ABOVE_DEPOSIT.
 *
 * So the bases of a channel's chains rise, and no amount belongs to two of them: entries of the voucher
 * log made under the last chain are not above what is booked, and change nothing.
 */
export function checkNextChain(
  channel: CommittableChannel,
  next: TickCommitment,
): Refusal | undefined {
  const { depositUnits, cumulativeUnits, ticks } = channel;
  if (ticks !== undefined && cumulativeUnits < tickUnits(ticks, ticks.ticksMax)) {
    const lastUnits = tickUnits(ticks, ticks.ticksMax);
    return refuse(
      'TICKS_LEFT',
      `the last tick of the present chain pays ${lastUnits} units, ${cumulativeUnits} are booked`,
    );
  }
  if (next.baseUnits < cumulativeUnits) {
    return refuse('SUPERSEDED', `the channel owes ${cumulativeUnits} units already`);
  }
  if (tickUnits(next, 1n) > depositUnits) {
    return refuse('ABOVE_DEPOSIT', `the channel's deposit is ${depositUnits} units`);
  }
  return undefined;
}

import { LIMITS, type Refusal, refuse, type Units } from '#libs/domain';
import type { ChannelTable } from './channel-table.js';
import type { ClaimRefusal } from './claim.js';
import { aboveDeposit, notAccepting, superseded } from './ladder.js';

/** A tick as it arrives in the typed API. */
export type TickMessage = {
  readonly channelId: Uint8Array;
  readonly index: bigint;
  readonly preimage: Uint8Array;
};

const TICKS_MAX = Number(LIMITS.ticksMax);

/** Shape and limits of a typed tick. */
export function checkTickForm(tick: TickMessage): Refusal | undefined {
  if (tick.channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
  if (tick.index <= 0n) return refuse('MALFORMED', 'index must be above 0');
  if (tick.preimage.length !== 32) return refuse('MALFORMED', 'preimage must have 32 bytes');
  return checkIndexForm(Number(tick.index));
}

/** Range of an index that holds for all chains. */
export function checkIndexForm(index: number): Refusal | undefined {
  if (index <= 0) return refuse('MALFORMED', 'index must be above 0');
  if (index <= TICKS_MAX) return undefined;
  return refuse('LIMIT_EXCEEDED', `no chain has more than ${LIMITS.ticksMax} ticks`);
}

/** True when a tick is further ahead of the last one we know of than may be hashed in one step. */
function isFarAhead(table: ChannelTable, row: number, index: number): boolean {
  return table.hasTicks(row) && index - table.tickIndex(row) > LIMITS.tickStepsMax;
}

/**
 * True when the books may know what makes this tick good although we do not: it is far ahead, or the
 * channel has no chain that still pays, and may have been given the next one a moment ago.
 */
export function mayBeBehind(
  table: ChannelTable,
  row: number,
  index: number,
  nowMs: number,
): boolean {
  if (notAccepting(table, row, nowMs) !== undefined) return false;
  if (!table.hasTicks(row)) return true;
  const lastUnits = table.tickUnits(row, table.ticksMax(row));
  return table.acceptedUnits(row) >= lastUnits || isFarAhead(table, row, index);
}

/**
 * True for a *foothold*: a tick above the last proven one that is superseded, since vouchers ran ahead,
 * on a chain that still pays. Its proof is checked all the same, so that later ticks can be hashed to it.
 */
export function isFoothold(
  table: ChannelTable,
  row: number,
  index: number,
  cumulativeUnits: Units,
): boolean {
  if (!table.hasTicks(row) || index <= table.tickIndex(row)) return false;
  // Another amount says that the tick is of a chain that was replaced since.
  if (table.tickUnits(row, index) !== cumulativeUnits) return false;
  const acceptedUnits = table.acceptedUnits(row);
  const lastUnits = table.tickUnits(row, table.ticksMax(row));
  return cumulativeUnits <= acceptedUnits && acceptedUnits < lastUnits;
}

/**
 * The rungs of a tick on a known channel. Committed and range stand for "payee, expiry". A foothold
 * stands: it is answered SUPERSEDED when its proof has been checked.
 */
export function checkTickStanding(
  table: ChannelTable,
  row: number,
  index: number,
  cumulativeUnits: Units,
  nowMs: number,
): ClaimRefusal | undefined {
  const closed = notAccepting(table, row, nowMs);
  if (closed !== undefined) return closed;
  if (!table.hasTicks(row)) {
    return refuse('TICKS_NOT_COMMITTED', 'the channel has no hash chain');
  }
  const ticksMax = table.ticksMax(row);
  if (index > ticksMax) return refuse('TICK_OUT_OF_RANGE', `the chain has ${ticksMax} ticks`);
  if (isFarAhead(table, row, index)) return tooFarAhead(table.tickIndex(row));
  const above = aboveDeposit(table, row, cumulativeUnits);
  if (above !== undefined || isFoothold(table, row, index, cumulativeUnits)) return above;
  return superseded(table, row, cumulativeUnits);
}

function tooFarAhead(tickIndex: number): Refusal {
  return refuse(
    'TICK_OUT_OF_RANGE',
    `at most ${LIMITS.tickStepsMax} ticks ahead of tick ${tickIndex}; send one between`,
  );
}

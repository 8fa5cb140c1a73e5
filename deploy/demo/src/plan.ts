import type { AssetName, Units } from '#libs/domain';

/** How a pair pays. */
export type PairKind = 'download' | 'lease' | 'direct' | 'ticks';

/** What one payer will do. The first ones win their lease in an auction, the others open channels. */
export type PairPlan = {
  readonly index: number;
  readonly kind: PairKind;
  readonly asset: AssetName;
  /** Payments to make, and units of each. A download pays what the lease's price makes of a piece. */
  readonly payments: number;
  readonly amountUnits: Units;
  /** With a direct channel: its deposit. With a lease: least price and limit, units per MiB. */
  readonly channelUnits: Units;
  readonly reservePriceUnits: Units;
  readonly priceLimitUnits: Units;
  readonly volumeMib: bigint;
  /** What the payer deposits from the chain. */
  readonly depositUnits: Units;
};

/** The whole demo, decided before it begins. */
export type Plan = {
  readonly seed: number;
  readonly fileMib: number;
  readonly pieceBytes: number;
  readonly pairs: readonly PairPlan[];
};

/** What the plan depends on. */
export type PlanInput = {
  readonly seed: number;
  readonly payments: number;
  readonly fileMib: number;
  /** Least amount that a payee can withdraw, with its fee. */
  readonly withdrawalUnits: Units;
};

export const PAIRS = 20;
/** Units of the bid that is below every reserve price, so that it loses and is taken back. */
export const LOSING_PRICE_UNITS = 1n;
export const LOSING_VOLUME_MIB = 5n;

const LEASES = 9;
const TICK_PAIRS = 5;
const PIECE_BYTES = 128 * 1024;
const LEASE_VOLUME_MIB = 8n;
const SPARE_UNITS = 10_000n;

/** Decides amounts, prices and kinds. The same input gives the same plan. */
export function makePlan(input: PlanInput): Plan {
  const chance = mulberry32(input.seed);
  const between = (low: number, high: number) => BigInt(Math.floor(low + chance() * (high - low)));
  const pieces = (input.fileMib * 1024 * 1024) / PIECE_BYTES;
  const each = Math.ceil(Math.max(0, input.payments - pieces) / (PAIRS - 1));
  const least = (payments: number) => divideUp(input.withdrawalUnits * 2n, BigInt(payments));
  const pairs = Array.from({ length: PAIRS }, (_, index): PairPlan => {
    const kind = kindOf(index);
    const asset = index % 2 === 0 ? 'TRC20_BTT' : 'TRC10_BTTOLD';
    const payments = kind === 'download' ? pieces : Math.max(1, each);
    const amountUnits = between(20, 60) + least(payments);
    const owedUnits = amountUnits * BigInt(payments);
    const volumeMib = kind === 'download' ? BigInt(input.fileMib + 1) : LEASE_VOLUME_MIB;
    const reservePriceUnits =
      kind === 'download'
        ? amountUnits * BigInt((1024 * 1024) / PIECE_BYTES)
        : divideUp(owedUnits, volumeMib) + between(1, 100);
    const priceLimitUnits = reservePriceUnits * 2n + between(1, 1000);
    // Room for one payment more, which the demo makes up and which must be refused for what it is.
    const channelUnits = owedUnits + amountUnits + between(1, 5_000);
    const wins = kind === 'download' || kind === 'lease';
    const neededUnits = wins ? priceLimitUnits * volumeMib : channelUnits;
    const depositUnits = neededUnits + SPARE_UNITS + between(0, 1_000);
    const prices = { reservePriceUnits, priceLimitUnits, volumeMib };
    return { index, kind, asset, payments, amountUnits, channelUnits, ...prices, depositUnits };
  });
  return {
    seed: input.seed,
    fileMib: input.fileMib,
    pieceBytes: PIECE_BYTES,
    pairs: bidAbove(pairs),
  };
}

/** What a downloader owes for some verified bytes: the price is per MiB, parts of a unit are waived. */
export function owedForBytes(priceUnits: Units, bytes: number): Units {
  return (priceUnits * BigInt(bytes)) / (1024n * 1024n);
}

// Whoever wins whose slots is for the auction to decide: any bid of the common swarm must reach any
// reserve price, and any price must pay for what its winner means to send.
function bidAbove(pairs: readonly PairPlan[]): PairPlan[] {
  const leases = pairs.filter(({ kind }) => kind === 'lease');
  let top = 0n;
  for (const { reservePriceUnits } of leases) if (reservePriceUnits > top) top = reservePriceUnits;
  return pairs.map((pair) => {
    if (pair.kind !== 'lease') return pair;
    const reservePriceUnits = top + BigInt(pair.index);
    const priceLimitUnits = top * 2n + BigInt(pair.index) * 7n;
    const depositUnits = priceLimitUnits * pair.volumeMib + SPARE_UNITS;
    return { ...pair, reservePriceUnits, priceLimitUnits, depositUnits };
  });
}

function kindOf(index: number): PairKind {
  if (index === 0) return 'download';
  if (index <= LEASES) return 'lease';
  return index < PAIRS - TICK_PAIRS ? 'direct' : 'ticks';
}

function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

// A small generator of pseudo-random numbers, so that a run can be repeated by its seed.
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

import { sha256 } from '@noble/hashes/sha2.js';
import { type Address, toHex, type Units } from '#libs/domain';
import { type Clearing, clear, type Entrants } from './clearing.js';
import { type Match, matchOf } from './match.js';
import { type Ask, type Bid, byLimit, byReserve } from './order.js';

/** What a transcript is about, besides who entered. */
export type RoundHead = {
  readonly roundNo: bigint;
  readonly swarm: string;
  readonly clearedAtMs: bigint;
};

/**
 * The canonical JSON of a round: keys sorted, no white space, integers above 32 bits as decimal text,
 * orders in rank order, matches as [ask, bid] positions. The same round always gives the same bytes.
 */
export function writeTranscript(head: RoundHead, entrants: Entrants, clearing: Clearing): string {
  const asks = entrants.asks.toSorted(byReserve);
  const bids = entrants.bids.toSorted(byLimit);
  const providers = new Set(asks.map(({ owner }) => owner));
  const askAt = new Map(asks.map(({ orderId }, at) => [orderId, at]));
  const bidAt = new Map(bids.map(({ orderId }, at) => [orderId, at]));
  return JSON.stringify({
    asks: asks.map(askFields),
    bids: bids.map((bid) => bidFields(bid, providers)),
    clearedAtMs: head.clearedAtMs.toString(),
    matchesMax: entrants.matchesMax,
    result: {
      matches: clearing.pairs.map(({ ask, bid }) => [
        askAt.get(ask.orderId),
        bidAt.get(bid.orderId),
      ]),
      priceUnits: clearing.priceUnits.toString(),
    },
    roundNo: head.roundNo.toString(),
    swarm: head.swarm,
    version: 1,
  });
}

/** SHA-256 of a transcript, hex. */
export function transcriptHash(transcript: string): string {
  return toHex(sha256(new TextEncoder().encode(transcript)));
}

/** What re-running a round found. */
export type Replay =
  | {
      readonly ok: true;
      readonly head: RoundHead;
      readonly hash: string;
      readonly priceUnits: Units;
      readonly matches: readonly Match[];
    }
  | { readonly ok: false; readonly problem: string };

/**
 * Re-runs a round from its transcript. It holds when clearing the same entrants again writes the very
 * same bytes; so a wrong price, a wrong winner or an order that was touched shows.
 */
export function replay(transcript: string): Replay {
  let head: RoundHead;
  let entrants: Entrants;
  try {
    [head, entrants] = readTranscript(JSON.parse(transcript));
  } catch (error) {
    return { ok: false, problem: `not a transcript: ${(error as Error).message}` };
  }
  const orders = [...entrants.asks, ...entrants.bids];
  const late = orders.find(({ expiresAtMs }) => expiresAtMs <= head.clearedAtMs);
  if (late !== undefined) return { ok: false, problem: `order ${late.orderId} had expired` };
  const { priceUnits, pairs } = clear(entrants);
  const again = writeTranscript(head, entrants, { priceUnits, pairs });
  if (again !== transcript) {
    return { ok: false, problem: `clearing these orders again gives another result: ${again}` };
  }
  const matches = pairs.map((pair) => matchOf(pair, head.roundNo, priceUnits));
  return { ok: true, head, hash: transcriptHash(transcript), priceUnits, matches };
}

function askFields(ask: Ask) {
  return {
    atMs: ask.atMs.toString(),
    expiresAtMs: ask.expiresAtMs.toString(),
    id: ask.orderId,
    owner: ask.owner,
    priceUnits: ask.priceUnits.toString(),
    slotRateMib: ask.slotRateMib,
    slots: ask.slotsOpen,
  };
}

// Providers met before matter only when they sell in this round.
function bidFields(bid: Bid, providers: ReadonlySet<Address>) {
  return {
    atMs: bid.atMs.toString(),
    expiresAtMs: bid.expiresAtMs.toString(),
    id: bid.orderId,
    met: bid.met.filter((provider) => providers.has(provider)).toSorted(),
    owner: bid.owner,
    priceUnits: bid.priceUnits.toString(),
    slots: bid.slotsOpen,
    volumeMib: bid.volumeMib.toString(),
  };
}

type Fields = Record<string, unknown>;

function readTranscript(json: unknown): [RoundHead, Entrants] {
  const fields = fieldsOf(json);
  const swarm = textOf(fields, 'swarm');
  const head = {
    roundNo: bigintOf(fields, 'roundNo'),
    swarm,
    clearedAtMs: bigintOf(fields, 'clearedAtMs'),
  };
  const entrants = {
    asks: listOf(fields, 'asks').map((ask) => readAsk(fieldsOf(ask), swarm)),
    bids: listOf(fields, 'bids').map((bid) => readBid(fieldsOf(bid), swarm)),
    matchesMax: numberOf(fields, 'matchesMax'),
  };
  return [head, entrants];
}

function readOrder(fields: Fields, swarm: string) {
  const slots = numberOf(fields, 'slots');
  const orderId = textOf(fields, 'id');
  if (slots === 0) throw new TypeError('an order without slots entered');
  if (!/^[0-9a-f]{64}$/.test(orderId)) throw new TypeError('id is not 32 bytes of hex');
  return {
    orderId,
    owner: textOf(fields, 'owner'),
    swarm,
    slots,
    slotsOpen: slots,
    priceUnits: bigintOf(fields, 'priceUnits'),
    atMs: bigintOf(fields, 'atMs'),
    expiresAtMs: bigintOf(fields, 'expiresAtMs'),
  };
}

function readAsk(fields: Fields, swarm: string): Ask {
  return {
    ...readOrder(fields, swarm),
    side: 'ask',
    slotRateMib: numberOf(fields, 'slotRateMib'),
  };
}

function readBid(fields: Fields, swarm: string): Bid {
  return {
    ...readOrder(fields, swarm),
    side: 'bid',
    volumeMib: bigintOf(fields, 'volumeMib'),
    // What was held is no part of the clearing.
    budgetUnits: 0n,
    met: listOf(fields, 'met').map(String),
  };
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new TypeError('an object is missing');
  return value as Fields;
}

function listOf(fields: Fields, name: string): unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
  return value;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is not a text`);
  return value;
}

function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new TypeError(`${name} is not a whole number`);
  }
  return value as number;
}

function bigintOf(fields: Fields, name: string): bigint {
  const value = textOf(fields, name);
  if (!/^\d{1,20}$/.test(value)) throw new TypeError(`${name} is not a decimal number`);
  return BigInt(value);
}

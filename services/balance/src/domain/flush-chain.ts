import { sha256 } from '@noble/hashes/sha2.js';
import type { Units } from '#libs/domain';
import { LEDGER_ACCOUNT_KINDS, type LedgerAccountKind } from './posting.js';

/** Part of the chain that holds operations, as in the journal. */
export const OPERATIONS_PART = -1;

/** Sums over a chain since its start. */
export type ChainTotals = {
  readonly postings: bigint;
  readonly opened: bigint;
  readonly closed: bigint;
  /** Credits − debits of the ledger account kinds 1 to 7. */
  readonly netUnits: readonly Units[];
  /** By asset, 1 and 2. */
  readonly depositedUnits: readonly Units[];
  readonly withdrawnUnits: readonly Units[];
};

/** One link: what a flush booked, or which operations it seals (see migrations/0008_flush_chain.sql). */
export type ChainLink = {
  readonly part: number;
  readonly flushNo: bigint;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly operations: readonly bigint[];
  readonly atMs: bigint;
  readonly postings: bigint;
  readonly units: Units;
  readonly totals: ChainTotals;
  readonly postingsHash: Buffer;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
};

/** What is new in a link. */
export type LinkContent = Pick<
  ChainLink,
  'firstOffset' | 'nextOffset' | 'operations' | 'atMs' | 'postings' | 'units' | 'postingsHash'
> & {
  /** What the link adds to the totals, its postings aside. */
  readonly adds: Omit<ChainTotals, 'postings'>;
};

const KINDS = Object.keys(LEDGER_ACCOUNT_KINDS).length;

/** Nothing, for all sums. */
export const NO_TOTALS: ChainTotals = {
  postings: 0n,
  opened: 0n,
  closed: 0n,
  netUnits: Array.from({ length: KINDS }, () => 0n),
  depositedUnits: [0n, 0n],
  withdrawnUnits: [0n, 0n],
};

/** Adds sums, field by field. */
export function addTotals(a: ChainTotals, b: ChainTotals): ChainTotals {
  const add = (x: readonly bigint[], y: readonly bigint[]) => x.map((v, at) => v + (y[at] ?? 0n));
  return {
    postings: a.postings + b.postings,
    opened: a.opened + b.opened,
    closed: a.closed + b.closed,
    netUnits: add(a.netUnits, b.netUnits),
    depositedUnits: add(a.depositedUnits, b.depositedUnits),
    withdrawnUnits: add(a.withdrawnUnits, b.withdrawnUnits),
  };
}

/** What units that went from one kind of ledger account to another change. */
export function netOf(debit: LedgerAccountKind, credit: LedgerAccountKind, units: Units): Units[] {
  const net = [...NO_TOTALS.netUnits];
  const add = (kind: LedgerAccountKind, change: Units) => {
    const at = LEDGER_ACCOUNT_KINDS[kind] - 1;
    net[at] = (net[at] ?? 0n) + change;
  };
  add(debit, -units);
  add(credit, units);
  return net;
}

/** The link that follows on another. */
export function linkAfter(before: ChainLink, content: LinkContent): ChainLink {
  const { adds, ...own } = content;
  const link = {
    ...own,
    part: before.part,
    flushNo: before.flushNo + 1n,
    totals: addTotals(before.totals, { ...adds, postings: own.postings }),
    prevHash: before.hash,
  };
  return { ...link, hash: hashOf(link) };
}

/** SHA-256 over the hash before, the hash of the postings and all numbers as 8 bytes each. */
export function hashOf(link: Omit<ChainLink, 'hash'>): Buffer {
  const { totals } = link;
  const numbers = [
    BigInt(link.part),
    link.flushNo,
    link.firstOffset,
    link.nextOffset,
    link.atMs,
    link.postings,
    link.units,
    totals.postings,
    totals.opened,
    totals.closed,
    ...totals.netUnits,
    ...totals.depositedUnits,
    ...totals.withdrawnUnits,
    ...link.operations,
  ];
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, at) => {
    bytes.writeBigInt64BE(number, at * 8);
  });
  return Buffer.from(sha256(Buffer.concat([link.prevHash, link.postingsHash, bytes])));
}

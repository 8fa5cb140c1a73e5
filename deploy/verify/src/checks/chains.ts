import { createHash } from 'node:crypto';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { PARTS } from '../journal.js';
import { postings } from './postings.js';

/** A link as stored; the numbers of `sums` are hashed in their order. */
type Link = {
  readonly part: number;
  readonly flushNo: bigint;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly atMs: bigint;
  readonly postings: bigint;
  readonly units: bigint;
  readonly totalPostings: bigint;
  readonly opened: bigint;
  readonly closed: bigint;
  readonly net: bigint[];
  readonly deposited: bigint[];
  readonly withdrawn: bigint[];
  readonly operations: bigint[];
  readonly postingsHash: Buffer;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
};

const ZERO_HASH = Buffer.alloc(32);

/** Links follow one another, each with the hash of what it says. */
async function links(audit: Audit): Promise<void> {
  const [foreign] = await audit.sql<{ part: number; flushNo: bigint }[]>`
    select part, flush_no as "flushNo" from ledger.flushes
    where part <> all(${audit.sql.array([...PARTS], 1005)}::smallint[]) limit 1`;
  if (foreign !== undefined) {
    const key = `part ${foreign.part}, flush ${foreign.flushNo}`;
    differ({ table: 'ledger.flushes', key }, 'a part from -1 to 7', `part ${foreign.part}`);
  }
  // Each by itself first: a link with another number would make its neighbours look wrong.
  for (const part of PARTS) {
    for await (const link of rowsOf<Link>(audit, linksOf(audit, part))) {
      agree(rowOf(link), 'hash', hashOf(link), link.hash);
    }
  }
  for (const part of PARTS) {
    let before: Link | undefined;
    for await (const link of rowsOf<Link>(audit, linksOf(audit, part))) {
      const row = rowOf(link);
      agree(row, 'number', before === undefined ? 0n : before.flushNo + 1n, link.flushNo);
      agree(row, 'hash before', before?.hash ?? ZERO_HASH, link.prevHash);
      agree(
        row,
        'postings so far',
        (before?.totalPostings ?? 0n) + link.postings,
        link.totalPostings,
      );
      if (before !== undefined) await follows(audit, before, link.firstOffset, row);
      before = link;
    }
    const row = { table: 'ledger.flushes', key: `part ${part}` };
    if (before === undefined) differ(row, 'a first link', 'none');
    if (part >= 0) await endsAtOffset(audit, before);
  }
}

function rowOf({ part, flushNo }: Pick<Link, 'part' | 'flushNo'>) {
  return { table: 'ledger.flushes', key: `part ${part}, flush ${flushNo}` };
}

async function endsAtOffset(audit: Audit, last: Link): Promise<void> {
  const [offset] = await audit.sql<{ next: bigint }[]>`select next_offset as next
    from ledger.log_offsets where topic = 'vouchers' and part = ${last.part}`;
  const row = { table: 'ledger.log_offsets', key: `topic vouchers, part ${last.part}` };
  if (offset === undefined) differ(row, `next offset ${last.nextOffset}`, 'no row');
  await follows(audit, last, offset.next, row);
}

/** Offsets go on where they stopped, unless an operator has let the log begin anew just there. */
async function follows(
  audit: Audit,
  before: Link,
  offset: bigint,
  row: { table: string; key: string },
): Promise<void> {
  if (before.nextOffset === offset) return;
  const restarts = await audit.sql<{ next: bigint }[]>`
    select next_offset as next from ledger.log_restarts
    where topic = 'vouchers' and part = ${before.part} and expected_offset = ${before.nextOffset}`;
  if (restarts.some(({ next }) => next === offset)) return;
  agree(row, 'offset', before.nextOffset, offset);
}

function linksOf({ sql }: Audit, part: number) {
  return sql<Link[]>`
    select part, flush_no as "flushNo", first_offset as "firstOffset", next_offset as "nextOffset",
      at_ms as "atMs", postings, units, total_postings as "totalPostings", total_opened as opened,
      total_closed as closed, total_net_units as net, total_deposited_units as deposited,
      total_withdrawn_units as withdrawn, operations, postings_hash as "postingsHash",
      prev_hash as "prevHash", hash
    from ledger.flushes where part = ${part} order by flush_no`;
}

function hashOf(link: Link): Buffer {
  const numbers = [
    BigInt(link.part),
    link.flushNo,
    link.firstOffset,
    link.nextOffset,
    link.atMs,
    link.postings,
    link.units,
    link.totalPostings,
    link.opened,
    link.closed,
    ...link.net,
    ...link.deposited,
    ...link.withdrawn,
    ...link.operations,
  ];
  const bytes = Buffer.alloc(numbers.length * 8);
  for (const [at, number] of numbers.entries()) bytes.writeBigInt64BE(number, at * 8);
  const content = Buffer.concat([link.prevHash, link.postingsHash, bytes]);
  return createHash('sha256').update(content).digest();
}

export const CHAIN_CHECKS: readonly Check[] = [
  { name: 'Hash chains', run: links },
  { name: 'Journal', run: postings },
];

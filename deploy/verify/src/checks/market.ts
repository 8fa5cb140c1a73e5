import { createHash } from 'node:crypto';
import { type Address, addressBytes, Digests, partitionOf, type Units } from '#libs/domain';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { comparing } from './comparison.js';
import { hashOf } from './contents.js';

type OrderRow = {
  readonly orderId: Buffer;
  readonly part: number;
  readonly hash: Buffer;
  readonly side: number;
  readonly owner: Address;
  readonly swarm: Buffer;
  readonly slots: number;
  readonly slotRateMib: number;
  readonly priceUnits: Units;
  readonly volumeMib: bigint;
  readonly budgetUnits: Units;
  readonly expiresAtMs: bigint;
  readonly held: Buffer | null;
};

type RoundRow = {
  readonly roundNo: bigint;
  readonly part: number;
  readonly swarm: Buffer;
  readonly clearedAtMs: bigint;
  readonly priceUnits: Units;
  readonly slotsMatched: number;
  readonly transcript: string;
  readonly hash: Buffer;
  readonly matches: MatchRow[];
};

/** A match as JSON; amounts are text. */
type MatchRow = {
  readonly line: number;
  readonly matchId: string;
  readonly channelId: string;
  readonly askId: string;
  readonly bidId: string;
  readonly told: string;
};

const sha256 = (...parts: readonly Uint8Array[]) =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const ASK = 1;
/** Partitions of the order log: a swarm is in one of them. */
const PARTITIONS = 4;

const partOf = ({ swarm }: { readonly swarm: Buffer }) => partitionOf(sha256(swarm), PARTITIONS);

/** An order says what its owner has signed, and what is held for a bid is its budget. */
async function orders(audit: Audit): Promise<void> {
  const { chainId, vault } = audit.place;
  const digests = new Digests({ chainId, vaultAddress: vault });
  const rows = audit.sql<OrderRow[]>`
    select o.order_id as "orderId", o.part::int, o.content_hash as hash, o.side::int, o.owner, o.swarm, o.slots,
      o.slot_rate_mib as "slotRateMib", o.price_units as "priceUnits", o.volume_mib as "volumeMib",
      o.budget_units as "budgetUnits", o.expires_at_ms as "expiresAtMs", h.content_hash as held
    from market.orders o left join ledger.holds h on h.order_id = o.order_id and o.side = 2`;
  for await (const order of rowsOf<OrderRow>(audit, rows)) {
    const key = order.orderId.toString('hex');
    agree({ table: 'market.orders', key: `order ${key}` }, 'part', partOf(order), order.part);
    const digest = hashOf(() => digestOf(order, digests));
    const owned = hashOf(() => digest && sha256(addressBytes(order.owner), digest));
    agree(
      { table: 'market.orders', key: `order ${key}` },
      'hash of the request',
      owned,
      order.hash,
    );
    if (order.held === null) continue;
    agree({ table: 'ledger.holds', key: `order ${key}` }, 'hash of the bid', digest, order.held);
  }
}

function digestOf(order: OrderRow, digests: Digests): Uint8Array {
  const { priceUnits } = order;
  return order.side === ASK
    ? digests.ask({ ...order, reservePriceUnits: priceUnits })
    : digests.bid({ ...order, priceLimitUnits: priceUnits });
}

/** Held for a bid is its budget, of its owner. */
const BUDGETS = `
  select format('order %s', encode(o.order_id, 'hex')) as key,
    jsonb_build_object('owner', o.owner, 'units', o.budget_units) as expected,
    jsonb_build_object('owner', a.address, 'units', h.placed_units) as found
  from market.orders o join ledger.holds h on h.order_id = o.order_id
  left join ledger.accounts a on a.account_no = h.account_no where o.side = 2`;

/** Slots that are left are those that no match has taken. */
const SLOTS = `
  select format('order %s', encode(o.order_id, 'hex')) as key,
    jsonb_build_object('slots left', o.slots - coalesce(m.taken, 0),
      'filled', o.slots = coalesce(m.taken, 0), 'terms of the other side', 0) as expected,
    jsonb_build_object('slots left', o.slots_open, 'filled', o.state = 3, 'terms of the other side',
      case o.side when 1 then o.volume_mib | o.budget_units else o.slot_rate_mib end) as found
  from market.orders o left join (
    select id, count(*) as taken
    from market.matches, lateral (values (ask_id), (bid_id)) side(id) group by id
  ) m on m.id = o.order_id`;

/** A lease is the channel of a match, between its two, with its deposit. */
const LEASES = `
  select format('part %s, channel %s', c.part, c.channel_no) as key,
    jsonb_build_object('match', encode(m.match_id, 'hex'), 'channel', encode(m.channel_id, 'hex'),
      'deposit', m.deposit_units, 'payer', m.requester, 'payee', m.provider,
      'terms', encode(m.match_id, 'hex')) as expected,
    jsonb_build_object('match', encode(c.match_id, 'hex'), 'channel', encode(c.channel_id, 'hex'),
      'deposit', c.deposit_units, 'payer', payer.address, 'payee', payee.address,
      'terms', encode(c.terms_hash, 'hex')) as found
  from ledger.channels c
  left join market.matches m on m.match_id = c.match_id
  left join ledger.accounts payer on payer.account_no = c.payer_no
  left join ledger.accounts payee on payee.account_no = c.payee_no
  where c.match_id is not null
    or exists (select from market.matches o where o.channel_id = c.channel_id)`;

/** Rounds are as their transcripts say, whose hashes were published, and so are their matches. */
async function rounds(audit: Audit): Promise<void> {
  const rows = audit.sql<RoundRow[]>`
    select r.round_no as "roundNo", r.part::int, r.swarm, r.cleared_at_ms as "clearedAtMs",
      r.price_units as "priceUnits", r.slots_matched as "slotsMatched", r.transcript,
      r.transcript_hash as hash,
      coalesce((
        select jsonb_agg(jsonb_build_object('line', m.line, 'matchId', encode(m.match_id, 'hex'),
          'channelId', encode(m.channel_id, 'hex'), 'askId', encode(m.ask_id, 'hex'),
          'bidId', encode(m.bid_id, 'hex'), 'told', concat_ws(' ', m.provider, m.requester,
            encode(m.swarm, 'hex'), m.price_units, m.volume_mib, m.slot_rate_mib, m.deposit_units)
        ) order by m.line)
        from market.matches m where m.round_no = r.round_no), '[]') as matches
    from market.rounds r`;
  for await (const round of rowsOf<RoundRow>(audit, rows)) {
    const row = { table: 'market.rounds', key: `round ${round.roundNo}` };
    agree(row, 'part', partOf(round), round.part);
    agree(row, 'hash of its transcript', sha256(Buffer.from(round.transcript)), round.hash);
    const said = JSON.parse(round.transcript) as Transcript;
    agree(row, 'number', said.roundNo, round.roundNo);
    agree(row, 'swarm', said.swarm, round.swarm);
    agree(row, 'time', said.clearedAtMs, round.clearedAtMs);
    agree(row, 'price', said.result.priceUnits, round.priceUnits);
    agree(row, 'slots matched', said.result.matches.length, round.slotsMatched);
    matched(said, round);
  }
  await noStrays(audit);
}

/** What a transcript says; its hash was compared before. */
type Transcript = {
  readonly asks: readonly { id: string; owner: Address; slotRateMib: number }[];
  readonly bids: readonly { id: string; owner: Address; volumeMib: string }[];
  readonly clearedAtMs: string;
  readonly result: { readonly matches: readonly [number, number][]; readonly priceUnits: string };
  readonly roundNo: string;
  readonly swarm: string;
};

function matched({ asks, bids, result, swarm }: Transcript, { roundNo, matches }: RoundRow): void {
  const number = Buffer.alloc(32);
  number.writeBigUInt64BE(roundNo, 24);
  for (const [at, [askAt, bidAt]] of result.matches.entries()) {
    const [ask, bid, match] = [asks[askAt], bids[bidAt], matches[at]];
    const row = { table: 'market.matches', key: `round ${roundNo}, line ${match?.line ?? at}` };
    if (ask === undefined || bid === undefined) differ(row, 'orders that entered', 'others');
    const ids = [ask.id, bid.id].map((id) => Buffer.from(id, 'hex'));
    const matchId = sha256(Buffer.from('swarmledger match v1'), number, ...ids);
    const price = BigInt(result.priceUnits);
    const deposit = price * BigInt(bid.volumeMib);
    const terms = [price, bid.volumeMib, ask.slotRateMib, deposit];
    agree(row, 'line', at, match?.line);
    agree(row, 'ask', ask.id, match?.askId);
    agree(row, 'bid', bid.id, match?.bidId);
    agree(row, 'id', matchId, match?.matchId);
    const channelId = sha256(Buffer.from('swarmledger lease v1'), matchId);
    agree(row, 'channel', channelId, match?.channelId);
    agree(row, 'terms', [ask.owner, bid.owner, swarm, ...terms].join(' '), match?.told);
  }
  const surplus = matches[result.matches.length];
  if (surplus === undefined) return;
  const row = { table: 'market.matches', key: `round ${roundNo}, line ${surplus.line}` };
  differ(row, 'no such line', 'a match');
}

async function noStrays({ sql }: Audit): Promise<void> {
  const [stray] = await sql<{ roundNo: bigint; line: number }[]>`
    select round_no as "roundNo", line from market.matches m
    where not exists (select from market.rounds r where r.round_no = m.round_no) limit 1`;
  if (stray === undefined) return;
  const key = `round ${stray.roundNo}, line ${stray.line}`;
  differ({ table: 'market.matches', key }, 'a round of this number', 'none');
}

export const MARKET_CHECKS: readonly Check[] = [
  { name: 'Requests of orders', run: orders },
  comparing({ name: 'Budgets of bids', table: 'ledger.holds', rows: BUDGETS }),
  { name: 'Rounds', run: rounds },
  comparing({ name: 'Slots of orders', table: 'market.orders', rows: SLOTS }),
  comparing({ name: 'Leases', table: 'ledger.channels', rows: LEASES }),
];

import { randomBytes } from 'node:crypto';
import { MarketMatch } from '#libs/contracts';
import { type KeyPair, sign } from '#libs/crypto';
import type { Database } from '#libs/database';
import {
  askOf,
  bidOf,
  type CheckedOrder,
} from '../../../services/auction/src/domain/order-request.js';
import { marketPartitionOf } from '../../../services/auction/src/domain/partition.js';
import {
  decideRound,
  type MarketEvent,
  type Round,
} from '../../../services/auction/src/domain/round.js';
import { orderValues } from '../../../services/auction/src/repositories/order.repository.js';
import { type ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';

type Kit = ReturnType<typeof ledgerKit>;

const PARTITIONS = 4;

/**
 * One round of an auction as its service writes it, and its matches booked: one bid is filled, one keeps a part of its
 * hold, and one ask is still open.
 */
export async function leases(
  kit: Kit,
  owner: Database,
  requester: KeyPair,
  providers: readonly [KeyPair, KeyPair],
): Promise<readonly Buffer[]> {
  const nowMs = kit.clock();
  const swarm = Buffer.alloc(20, 7);
  const ask = (provider: KeyPair, reservePriceUnits: bigint) => {
    const terms = { slots: 2, slotRateMib: 4, reservePriceUnits, expiresAtMs: nowMs + 60_000n };
    const request = { orderId: randomBytes(32), provider: provider.address, swarm, ...terms };
    return askOf(request, nowMs, kit.digests);
  };
  const asks = [ask(providers[0], 3n), ask(providers[1], 900n)];
  const bids: CheckedOrder<ReturnType<typeof bidOf>['order']>[] = [];
  for (const slots of [1, 2]) {
    const terms = { ...kit.bid(requester, 1_000n), slots, priceLimitUnits: 10n, volumeMib: 20n };
    const bid = await placed(kit, requester, { ...terms, swarm });
    bids.push(bidOf({ ...bid, requester: requester.address }, nowMs, kit.digests));
  }
  const round = decideRound(
    { roundNo: 1n, swarm: swarm.toString('hex'), clearedAtMs: nowMs },
    {
      asks: asks.map(({ order }) => order),
      bids: bids.map(({ order }) => order),
      matchesMax: 10,
    },
  );
  await store(owner, marketPartitionOf(swarm, PARTITIONS), [...asks, ...bids], round);
  for (const event of round.events) await book(kit, event);
  return round.matches.map(({ channelId }) => Buffer.from(channelId, 'hex'));
}

async function placed(kit: Kit, requester: KeyPair, terms: ReturnType<Kit['bid']>) {
  const signature = Buffer.from(sign(kit.digests.bid(terms), requester.privateKey));
  const bid = { ...terms, signature };
  value(await kit.use.holds.place(bid));
  return bid;
}

async function store(
  { sql }: Database,
  part: number,
  placedOrders: readonly CheckedOrder[],
  round: Round,
): Promise<void> {
  const hex = (text: string) => Buffer.from(text, 'hex');
  for (const each of placedOrders) {
    const slotsOpen = round.orders.find(({ orderId }) => orderId === each.order.orderId)?.slotsOpen;
    const order = { ...each.order, slotsOpen: slotsOpen ?? each.order.slotsOpen };
    const state = order.slotsOpen === 0 ? 'filled' : 'open';
    await sql`insert into market.orders ${sql(orderValues({ ...each, order }, part, state))}`;
  }
  await sql`insert into market.rounds ${sql({
    round_no: round.roundNo,
    part,
    swarm: hex(round.swarm),
    cleared_at_ms: round.clearedAtMs,
    price_units: round.priceUnits,
    slots_matched: round.matches.length,
    transcript: round.transcript,
    transcript_hash: hex(round.transcriptHash),
  })}`;
  for (const [line, match] of round.matches.entries()) {
    await sql`insert into market.matches ${sql({
      match_id: hex(match.matchId),
      round_no: match.roundNo,
      line,
      ask_id: hex(match.askId),
      bid_id: hex(match.bidId),
      provider: match.provider,
      requester: match.requester,
      swarm: hex(match.swarm),
      price_units: match.priceUnits,
      volume_mib: match.volumeMib,
      slot_rate_mib: match.slotRateMib,
      channel_id: hex(match.channelId),
      deposit_units: match.depositUnits,
    })}`;
  }
}

async function book(kit: Kit, event: MarketEvent): Promise<void> {
  const hex = (text: string) => Buffer.from(text, 'hex');
  const told =
    event.kind === 'release'
      ? { $case: 'release' as const, value: { bidId: hex(event.bidId), cause: event.cause } }
      : {
          $case: 'match' as const,
          value: {
            ...event.match,
            matchId: hex(event.match.matchId),
            askId: hex(event.match.askId),
            bidId: hex(event.match.bidId),
            swarm: hex(event.match.swarm),
            channelId: hex(event.match.channelId),
          },
        };
  const offset = await kit.use.matches.nextOffset(0);
  const record = MarketMatch.encode({ event: told }).finish();
  const quarantined = await kit.use.matches.apply(0, [
    { offset, key: null, value: Buffer.from(record), timestampMs: 0 },
  ]);
  if (quarantined > 0) throw new Error(`a ${event.kind} could not be booked`);
}

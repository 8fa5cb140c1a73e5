import { MarketMatch, type Match as MatchMessage, TOPICS } from '#libs/contracts';
import type { Match } from '../domain/match.js';
import { marketPartitionOf } from '../domain/partition.js';
import type { MarketEvent } from '../domain/round.js';
import type { OutboxEvent } from '../repositories/outbox.repository.js';

const { name: topic, partitions } = TOPICS.marketMatches;

/** An event for the books, in the partition of its bid, so that a bid's events keep their order. */
export function outboxEvent(event: MarketEvent): OutboxEvent {
  const bidId = event.kind === 'match' ? event.match.bidId : event.bidId;
  const key = Buffer.from(bidId, 'hex');
  const message: MarketMatch = {
    event:
      event.kind === 'match'
        ? { $case: 'match', value: matchMessage(event.match) }
        : { $case: 'release', value: { bidId: key, cause: event.cause } },
  };
  const value = Buffer.from(MarketMatch.encode(message).finish());
  return { topic, part: marketPartitionOf(key, partitions), key, value };
}

/** A match on the wire. */
export function matchMessage(match: Match): MatchMessage {
  return {
    ...match,
    matchId: Buffer.from(match.matchId, 'hex'),
    askId: Buffer.from(match.askId, 'hex'),
    bidId: Buffer.from(match.bidId, 'hex'),
    swarm: Buffer.from(match.swarm, 'hex'),
    channelId: Buffer.from(match.channelId, 'hex'),
  };
}

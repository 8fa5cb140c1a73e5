/** A Kafka topic of ours: its name, how it is keyed and what it must be created with. */
export type Topic = {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
};

const DAY_MS = 86_400_000;

/**
 * Every topic, created explicitly before the services start.
 * - `vouchers`: one record per (partition, flush), see voucher-log.ts; partition = that of the channel.
 * - `channels`: {@link ChannelsRecord} by channel id; same partition as the channel's vouchers. News for
 *   those who hold a channel in memory, who know by the offsets that they missed none: so it is not
 *   compacted. The channels themselves are asked of the books.
 * - `ledger-events`: {@link LedgerEvent} by what it is about.
 * - `market-orders`: {@link MarketOrder} by swarm.
 * - `market-matches`: {@link MarketMatch} by bid.
 */
export const TOPICS = {
  vouchers: topic('vouchers', 8, { 'retention.ms': String(7 * DAY_MS) }),
  channels: topic('channels', 8, { 'retention.ms': String(DAY_MS), 'segment.ms': String(DAY_MS) }),
  ledgerEvents: topic('ledger-events', 8, { 'retention.ms': String(7 * DAY_MS) }),
  marketOrders: topic('market-orders', 4, { 'retention.ms': String(7 * DAY_MS) }),
  marketMatches: topic('market-matches', 4, { 'retention.ms': String(7 * DAY_MS) }),
} as const satisfies Record<string, Topic>;

/** Number of partitions of channels, vouchers and the tables that follow them. */
export const LEDGER_PARTITIONS = TOPICS.vouchers.partitions;

function topic(name: string, partitions: number, config: Record<string, string>): Topic {
  return {
    name,
    partitions,
    config: { 'max.message.bytes': String(2 * 1024 * 1024), ...config },
  };
}

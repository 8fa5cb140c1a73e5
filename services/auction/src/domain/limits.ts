/** Limits of the market, each with its reason. */
export const MARKET_LIMITS = {
  /** Orders of one side that enter a round, the best first: bounds the transcript and the round's time. */
  entrantsMax: 5_000,
  /** Slots matched in one round; what is left waits for the next one. Bounds its transaction and the answer of GetRound. */
  matchesMax: 4_096,
  /** Open orders of one account in one swarm: nobody fills a book alone. */
  ownerOrdersMax: 256,
  /** Highest promised rate of a slot, MiB per second. */
  slotRateMibMax: 100_000,
  /** MiB of one slot: an exbibyte. */
  volumeMibMax: 2n ** 40n,
  /** Orders waiting for Kafka before OVERLOADED. */
  logQueueMax: 4_096,
  /** How long an order that never reached the log waits after its expiry before its hold is released: longer than any request can be in flight. */
  pendingGraceMs: 60_000n,
} as const;

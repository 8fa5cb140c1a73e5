import { LIMITS } from '#libs/domain';

/** Bounds of this process, each with its reason. */
export const INGEST_LIMITS = {
  /** Payments admitted and not yet answered; beyond it requests are refused with OVERLOADED. */
  itemsInFlightMax: LIMITS.ingestQueueMax,
  /** Bytes of payments admitted and not yet answered. */
  bytesInFlightMax: 32 * 1024 * 1024,
  /** Claims of one flush: they must fit one log record even if all are of one partition. */
  flushClaimsMax: LIMITS.recordEntriesMax,
  /** Channels of one flush: at 50 µs a signature, the checks of one flush take about 50 ms. */
  flushChannelsMax: 1024,
  /** A request is answered within this time, whatever Kafka does. */
  answerWithinMs: 10_000,
  /** Batches of one stream in flight; beyond it the stream is not read. */
  streamBatchesMax: 32,
  /** How old the newest mark of a partition may be when a payment is acknowledged. */
  markAgeMaxMs: 2_000n,
  /** How far ahead of our clock a mark may be before the two clocks are taken to disagree. */
  clockSkewMaxMs: 1_000n,
  /** Questions to the books at a time, and how many may wait behind them. */
  lookupsMax: 32,
  lookupsWaitingMax: 8_192,
  /** How long the books may take to answer one. */
  lookupWithinMs: 1_000,
  /** Negative answers remembered, and for how long an unknown channel stays unknown. */
  negativeAnswersMax: 65_536,
  unknownForMs: 1_000n,
  /** Connections whose failure budget is remembered. */
  sendersMax: 16_384,
} as const;

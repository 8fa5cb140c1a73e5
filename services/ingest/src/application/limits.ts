import { LIMITS } from '#libs/domain';

/** Bounds of this process, each with its reason. */
export const INGEST_LIMITS = {
  /** Payments admitted and not yet answered; beyond it requests are refused with OVERLOADED. */
  itemsInFlightMax: LIMITS.ingestQueueMax,
  /** Bytes of payments admitted and not yet answered. */
  bytesInFlightMax: 32 * 1024 * 1024,
  /** Claims of one flush: they must fit one log record even if all are of one partition. */
  flushClaimsMax: LIMITS.recordEntriesMax,
  /** Signature checks of one flush: at 50 µs each they take about 50 ms of one core. */
  flushChecksMax: 1024,
  /** Further checks of one flush, for channels whose highest claim failed; the next flush goes on. */
  contestChecksMax: 256,
  /** A flush waits longer for company by 1 ms per so many claims of the last one … */
  flushClaimsPerExtraMs: 16,
  /** … but not longer than this. */
  flushWindowMaxMs: 5,
  /** Claims inside: those admitted, and those given up by their request while a flush holds them. */
  claimSlots: 2 * LIMITS.ingestQueueMax,
  /** A request is answered within this time, whatever Kafka does. */
  answerWithinMs: 10_000,
  /** Batches of one stream in flight; beyond it the stream is not read. */
  streamBatchesMax: 32,
  /** Bytes of one packed stream in flight: several of its largest messages. */
  streamBytesMax: 4 * 1024 * 1024,
  /** Channels of one question to the books. */
  lookupChannelsMax: LIMITS.handlesPerOpenMax,
  /** Questions to the books at a time. */
  lookupsMax: 4,
  /** Channels that are asked for or wait to be asked for. */
  lookupsWaitingMax: 65_536,
  /** How long the books may take to answer one question. */
  lookupWithinMs: 3_000,
  /** Negative answers remembered, and for how long: that a channel is unknown, or has no later chain. */
  negativeAnswersMax: 65_536,
  unknownForMs: 1_000,
  /** Connections whose failure budget is remembered. */
  sendersMax: 16_384,
} as const;

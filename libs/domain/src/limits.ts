/** Limits of the ledger, each with its reason. Relations between them are asserted below, at start. */
export const LIMITS = {
  /** Payments in one request: bounds the work behind one acknowledgement. */
  batchItemsMax: 4096,
  /** Bytes of one gRPC request; 4096 vouchers of about 160 bytes with room to spare. */
  requestBytesMax: 1024 * 1024,
  /** Entries of one voucher-log record. */
  recordEntriesMax: 8192,
  /** Bytes of one Kafka record. */
  recordBytesMax: 1024 * 1024,
  /** Payments queued in ingest before it answers OVERLOADED. */
  ingestQueueMax: 65_536,
  /** Channels of one bundle: a tree of eight levels. */
  bundleEntriesMax: 256,
  /** Channels that one OpenHandles names, and that ingest asks the books for at once. */
  handlesPerOpenMax: 4096,
  /** Handles of one packed stream. */
  handlesPerStreamMax: 1_048_576,
  /** Hashes that one tick may cost: a tick further ahead is refused. */
  tickStepsMax: 10_000,
  /** Ticks of one commitment. */
  ticksMax: 100_000_000n,
  /** How far ahead a voucher or signed request may be valid: 400 days. */
  validityMaxMs: 400n * 24n * 3_600_000n,
  /** How far ahead a session may be valid. */
  sessionMaxMs: 24n * 3_600_000n,
  /** Session keys of one account that are neither revoked nor expired: devices of one person. */
  sessionKeysMax: 32,
  /** How far ahead a session key may expire: a key that is forgotten ends by itself. */
  sessionKeyLifeMaxMs: 90n * 24n * 3_600_000n,
  /** Entries of one page. */
  pageMax: 500,
  /** Slots of one order. */
  slotsMax: 64,
  /** Open orders of one swarm. */
  swarmOrdersMax: 100_000,
  /** Free text in requests, characters. */
  textMax: 256,
} as const;

/** Bytes of one entry of the voucher log (see libs/contracts/src/voucher-log.ts). */
export const LOG_ENTRY_BYTES = 96;

/** Throws when two limits contradict one another. */
export function assertLimits(limits: typeof LIMITS = LIMITS): void {
  const rules: [boolean, string][] = [
    [
      limits.recordEntriesMax * LOG_ENTRY_BYTES + 64 <= limits.recordBytesMax,
      'a full voucher-log record must fit a Kafka record',
    ],
    [limits.batchItemsMax <= limits.recordEntriesMax, 'a request must fit one log record'],
    [limits.batchItemsMax <= limits.ingestQueueMax, 'a request must fit the ingest queue'],
    [limits.batchItemsMax * 200 <= limits.requestBytesMax, 'a full batch must fit a request'],
  ];
  for (const [holds, rule] of rules) if (!holds) throw new Error(`limits disagree: ${rule}`);
}

import type { LogEntry } from '#libs/contracts';
import type { Reason } from '#libs/domain';
import type { ChannelFacts } from '../domain/channel.js';
import type { Claim } from '../domain/claim.js';

/** Time as a value, milliseconds since 1970. */
export type Clock = { nowMs(): bigint };

/** The durable log of accepted payments. */
export type VoucherLog = {
  /**
   * Writes one record per partition and resolves with the offset of each once all in-sync replicas
   * have them. A rejection says nothing about what was written. One call at a time.
   */
  append(records: ReadonlyMap<number, readonly LogEntry[]>): Promise<ReadonlyMap<number, bigint>>;
};

/** Checks proofs: signatures and hash chains. */
export type VerifyClaims = {
  /** For each claim, in order, whether its proof holds. */
  verify(claims: readonly Claim[]): Promise<readonly boolean[]>;
};

/** What the books know of channels. */
export type Books = {
  /** The channel as it is now; undefined when there is none. Rejects when the books don't answer. */
  channel(channelId: Uint8Array): Promise<ChannelFacts | undefined>;
};

/** Counts what happens. */
export type IngestMeter = {
  accepted(kind: Claim['kind'], count: number): void;
  refused(kind: Claim['kind'], reason: Reason, count: number): void;
  inFlight(items: number, bytes: number): void;
  queued(items: number): void;
  flushed(claims: number, winners: number): void;
  produced(seconds: number): void;
  lookedUp(result: 'found' | 'unknown' | 'failed'): void;
};

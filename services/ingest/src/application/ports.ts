import type { Reason } from '#libs/domain';
import type { ChannelFacts } from '../domain/channel.js';
import type { ClaimKind } from '../domain/claim.js';

/** Time as a value, milliseconds since 1970. */
export type Clock = { nowMs(): bigint };

/** The durable log of accepted payments. */
export type VoucherLog = {
  /**
   * Writes one record per partition and resolves with the offset of each once all in-sync replicas
   * have them. A rejection says nothing about what was written. One call at a time.
   */
  append(records: ReadonlyMap<number, Buffer>): Promise<ReadonlyMap<number, bigint>>;
};

/** What the books said of the channels they were asked for; those they do not name are unknown. */
export type BooksAnswer = {
  readonly known: readonly ChannelFacts[];
  /** Ids of channels whose description makes no sense here. */
  readonly unreadable: readonly Uint8Array[];
};

/** What the books know of channels. */
export type Books = {
  /** Channels as they are now. Takes at most 4096 ids; rejects when the books don't answer. */
  channels(ids: readonly Uint8Array[]): Promise<BooksAnswer>;
};

/** Counts what happens. */
export type IngestMeter = {
  accepted(kind: ClaimKind, count: number): void;
  refused(kind: ClaimKind, reason: Reason, count: number): void;
  inFlight(items: number, bytes: number): void;
  queued(items: number): void;
  flushed(claims: number, winners: number): void;
  produced(seconds: number): void;
  lookedUp(result: 'found' | 'unknown' | 'failed', channels: number): void;
};

import type { CorpusPlan } from '../corpus/plan.js';

/** What a generator process is started with, as JSON in its first argument's file. */
export type GeneratorOrder = {
  readonly corpusRoot: string;
  readonly plan: CorpusPlan;
  /** gRPC addresses of the ingest replicas; streams are dealt to them in turn. */
  readonly addresses: readonly string[];
  /** Text of the session metadata. */
  readonly session: string;
  /** Where the ack log and the times of acknowledgements are written. */
  readonly folder: string;
};

/**
 * How a phase sends. `rate`: open loop, a frame is due at its time whatever became of those before;
 * latencies count from that time. `window`: as fast as answers come, to find what the system can do.
 */
export type PhaseMode =
  | {
      readonly kind: 'rate';
      readonly itemsPerSecond: number;
      /** True where a single refusal shows that the rate is too high: nothing is gained by going on. */
      readonly untilRefused?: boolean;
    }
  | { readonly kind: 'window'; readonly items: number };

/** One phase of a run. */
export type PhaseOrder = {
  readonly name: string;
  readonly mode: PhaseMode;
  readonly seconds: number;
};

/** What came of a phase. Times are milliseconds since 1970 with fractions. */
export type PhaseResult = {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Payments sent, and those of them acknowledged or refused, also after the phase's end. */
  readonly sent: number;
  readonly acked: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Payments acknowledged between start and end, of whatever phase. */
  readonly ackedInTime: number;
  /** Buckets of a `Histogram`. */
  readonly latency: Float64Array;
  /** Seconds by which answers were behind the schedule at the end. */
  readonly behindSeconds: number;
  /** True when it ended before its time because it fell behind hopelessly, or was refused and was not to be. */
  readonly gaveUp: boolean;
  /** True when it ended before its time because the corpus had no more frames on disk. */
  readonly exhausted: boolean;
  /** Frames of each stream that were sent so far. */
  readonly framesSent: readonly number[];
  /** CPU seconds of the generator between start and end. */
  readonly cpuSeconds: number;
  /** File of `AckTimes`. */
  readonly timesFile: string;
};

/** To the generator. */
export type ToGenerator =
  | { readonly kind: 'phase'; readonly phase: PhaseOrder }
  | { readonly kind: 'finish' };

/** From the generator. */
export type FromGenerator =
  | { readonly kind: 'ready'; readonly openSeconds: number }
  | { readonly kind: 'started'; readonly startMs: number }
  | { readonly kind: 'phase'; readonly result: PhaseResult }
  | { readonly kind: 'finished'; readonly unanswered: number }
  | { readonly kind: 'failed'; readonly reason: string };

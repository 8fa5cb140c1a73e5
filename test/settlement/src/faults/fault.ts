import type { AssetName } from '../check/chain-record.js';
import type { SettlementCluster } from '../cluster.js';
import type { Traffic } from '../traffic.js';
import type { Truth } from '../truth.js';

/** What a fault may use. */
export type FaultTools = {
  readonly cluster: SettlementCluster;
  readonly truth: Truth;
  readonly traffic: Traffic;
  /** A number in [0, 1) that follows from the run's seed. */
  readonly random: () => number;
  /** How long a leader is paused, ms. */
  readonly pauseMs: number;
  /** Base units that the rig sent to the ledger's addresses and that are nobody's. */
  readonly strays: Record<AssetName, bigint>;
  /** Senders (hex) whose transfers in are credited to nobody's account. */
  readonly noAccounts: Set<string>;
};

/** Whether a fault did what it was meant to, on the evidence of chain, log or process; else why not. */
export type Bite = { readonly bit: true } | { readonly bit: false; readonly why: string };

/** One kind of round. */
export type Fault = {
  readonly name: string;
  /** Line of the fault plan that it belongs to. */
  readonly plan: string;
  /** A sentence for the report. */
  readonly meaning: string;
  /** Settlement processes that it needs. */
  readonly processes: 1 | 2;
  /** Batches wait for epochs meanwhile. */
  readonly epochs?: true;
  /** Makes traffic and hurts it. */
  readonly act: (tools: FaultTools) => Promise<Bite>;
};

export const BITTEN: Bite = { bit: true };
export const missed = (why: string): Bite => ({ bit: false, why });

/** A whole number from `min` to `max`. */
export function between(min: number, max: number, random: () => number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** Deposits and withdrawals of a round. */
export async function ask({ traffic }: FaultTools): Promise<void> {
  await traffic.deposits();
  await traffic.withdrawals();
}

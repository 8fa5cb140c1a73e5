import type { Units } from '#libs/domain';
import type { ChainTotals } from './flush-chain.js';
import { LEDGER_ACCOUNT_KINDS } from './posting.js';

/** Sums over the ledger, whoever has counted them. */
export type LedgerTotals = {
  readonly available: Units;
  readonly inChannels: Units;
  readonly channelsOpened: bigint;
  readonly channelsClosed: bigint;
  readonly postings: bigint;
  readonly flows: readonly {
    readonly asset: number;
    readonly deposited: Units;
    readonly withdrawn: Units;
  }[];
  readonly journal: readonly { readonly kind: number; readonly units: Units }[];
};

/** What the sums of all chains, and of what waits to be chained, say about the ledger. */
export function totalsOfChain(totals: ChainTotals): LedgerTotals {
  const net = (kind: keyof typeof LEDGER_ACCOUNT_KINDS) =>
    totals.netUnits[LEDGER_ACCOUNT_KINDS[kind] - 1] ?? 0n;
  return {
    available: net('available'),
    inChannels: net('channel'),
    channelsOpened: totals.opened,
    channelsClosed: totals.closed,
    postings: totals.postings,
    flows: totals.depositedUnits.map((deposited, at) => ({
      asset: at + 1,
      deposited,
      withdrawn: totals.withdrawnUnits[at] ?? 0n,
    })),
    journal: totals.netUnits.map((units, at) => ({ kind: at + 1, units })),
  };
}

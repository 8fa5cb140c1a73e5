import { Asset, type GetTotalsResponse } from '#libs/contracts';
import { firstDifference } from '../domain/conservation.js';
import type { Totals, TotalsRepository } from '../repositories/totals.repository.js';

const FRESH_MS = 1_000;

/**
 * Sums over the whole ledger. Anyone may ask, so an answer is shared for a second: many askers cost
 * one read.
 */
export class TotalsService {
  #latest: { readonly at: number; readonly answer: Promise<GetTotalsResponse> } | undefined;

  constructor(private readonly totals: TotalsRepository) {}

  get(): Promise<GetTotalsResponse> {
    const now = Date.now();
    if (this.#latest === undefined || now - this.#latest.at > FRESH_MS) {
      const answer = this.totals.read().then(toResponse);
      this.#latest = { at: now, answer };
      // A failed read is not an answer to share.
      answer.catch(() => {
        this.#latest = undefined;
      });
    }
    return this.#latest.answer;
  }
}

function toResponse({ tables, flows, journal }: Totals): GetTotalsResponse {
  const difference = firstDifference(
    {
      available: tables.available,
      channel: tables.inChannels,
      hold: tables.held,
      withdrawing: tables.withdrawing,
      fees: tables.fees,
      reserve: tables.reserve,
      suspense: tables.suspense,
    },
    journal,
  );
  return {
    assets: flows.map((flow) => ({
      asset: flow.asset === Asset.TRC20_BTT ? Asset.TRC20_BTT : Asset.TRC10_BTTOLD,
      depositedUnits: flow.deposited,
      withdrawnUnits: flow.withdrawn,
    })),
    availableUnits: tables.available,
    heldUnits: tables.held,
    inChannelsUnits: tables.inChannels,
    withdrawingUnits: tables.withdrawing,
    feesUnits: tables.fees,
    suspenseUnits: tables.suspense,
    channelsOpened: tables.channelsOpened,
    channelsClosed: tables.channelsClosed,
    postings: tables.postings,
    conserved: difference === undefined,
    firstDifference: difference ?? '',
    logRecordsApplied: tables.logRecordsApplied,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Asset, type GetTotalsResponse } from '#libs/contracts';
import type { Logger } from '#libs/observability';
import { firstDifference } from '../domain/conservation.js';
import { totalsOfChain } from '../domain/counted-totals.js';
import { addTotals, NO_TOTALS } from '../domain/flush-chain.js';
import type { Totals, TotalsRepository } from '../repositories/totals.repository.js';
import { totalsOfOperations } from './seal-operations.service.js';

const FRESH_MS = 1_000;
/** How long an answer waits for the count of every row; a larger ledger is counted meanwhile. */
const COUNT_PATIENCE_MS = 250;
/** Counting every row takes at most a hundredth of the time. */
const COUNT_PAUSE_FACTOR = 100;
const COUNT_PAUSE_MAX_MS = 3_600_000;

/**
 * Sums over the whole ledger, as the chain of flushes carries them: asking costs the same however large
 * the ledger is. Anyone may ask, so an answer is shared for a second. Every now and then all rows are
 * counted again; what does not agree then is told until it does.
 */
export class TotalsService {
  #latest: { readonly at: number; readonly answer: Promise<GetTotalsResponse> } | undefined;
  #counted = '';
  #counting: Promise<void> | undefined;
  #countDueAt = 0;

  constructor(
    private readonly totals: TotalsRepository,
    private readonly logger: Logger,
  ) {}

  get(): Promise<GetTotalsResponse> {
    const now = Date.now();
    if (this.#latest === undefined || now - this.#latest.at > FRESH_MS) {
      const answer = this.#read(now);
      this.#latest = { at: now, answer };
      // A failed read is not an answer to share.
      answer.catch(() => {
        this.#latest = undefined;
      });
    }
    return this.#latest.answer;
  }

  /** Counts every row: the first disagreement with the journal or the chain, or '' when there is none. */
  async audit(): Promise<string> {
    const all = await this.totals.readAll();
    return differenceOf(all) ?? '';
  }

  async #read(now: number): Promise<GetTotalsResponse> {
    if (now >= this.#countDueAt) this.#counting ??= this.#count();
    if (this.#counting !== undefined) {
      await Promise.race([this.#counting, sleep(COUNT_PATIENCE_MS, undefined, { ref: false })]);
    }
    const { tables, heads, waiting } = await this.totals.readCounted();
    const sums = heads.map(({ totals }) => totals).reduce(addTotals, NO_TOTALS);
    const { flows, journal, ...counted } = totalsOfChain(
      addTotals(sums, totalsOfOperations(waiting)),
    );
    const all = { tables: { ...tables, ...counted }, flows: [...flows], journal: [...journal] };
    return toResponse(all, differenceOf(all) ?? this.#counted);
  }

  async #count(): Promise<void> {
    const startedAt = Date.now();
    try {
      this.#counted = await this.audit();
      if (this.#counted !== '') {
        this.logger.error({ difference: this.#counted }, 'the tables and the journal disagree');
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'the ledger could not be counted, trying again later');
    }
    const now = Date.now();
    const pauseMs = Math.min((now - startedAt) * COUNT_PAUSE_FACTOR, COUNT_PAUSE_MAX_MS);
    this.#countDueAt = now + pauseMs;
    this.#counting = undefined;
  }
}

function differenceOf({ tables, journal }: Totals): string | undefined {
  return firstDifference(
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
}

function toResponse({ tables, flows }: Totals, difference: string): GetTotalsResponse {
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
    conserved: difference === '',
    firstDifference: difference,
    logRecordsApplied: tables.logRecordsApplied,
  };
}

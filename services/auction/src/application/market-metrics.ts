import type { Counter, Gauge, Histogram } from 'prom-client';
import type { Metrics } from '#libs/observability';
import type { OrderBook } from '../domain/order-book.js';

/** What the auction service counts. */
export class MarketMetrics {
  readonly #orders: Counter;
  readonly #open: Gauge;
  readonly #matches: Counter;
  readonly #rounds: Counter;
  readonly #roundSeconds: Histogram;
  readonly #published: Counter;

  constructor(metrics: Metrics) {
    this.#orders = metrics.counter(
      'market_orders_total',
      'Orders by side and what became of them',
      ['side', 'outcome'],
    );
    this.#open = metrics.gauge('market_open_orders', 'Open orders of the partitions held here', [
      'side',
    ]);
    this.#matches = metrics.counter('market_matches_total', 'Slots matched');
    this.#rounds = metrics.counter('market_rounds_total', 'Rounds cleared');
    this.#roundSeconds = metrics.histogram(
      'market_round_seconds',
      'Seconds to clear and write all due swarms of one partition',
      [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    );
    this.#published = metrics.counter('market_events_published_total', 'Events given to the books');
  }

  order(side: 'ask' | 'bid', outcome: string): void {
    this.#orders.inc({ side, outcome });
  }

  round(matches: number): void {
    this.#rounds.inc();
    this.#matches.inc(matches);
  }

  /** Starts a stopwatch of a partition's rounds. */
  timeRounds(): () => void {
    return this.#roundSeconds.startTimer();
  }

  published(events: number): void {
    this.#published.inc(events);
  }

  open(books: Iterable<OrderBook>): void {
    let asks = 0;
    let bids = 0;
    for (const book of books) {
      const counts = book.counts();
      asks += counts.asks;
      bids += counts.bids;
    }
    this.#open.set({ side: 'ask' }, asks);
    this.#open.set({ side: 'bid' }, bids);
  }
}

import type { Reason } from '#libs/domain';
import type { Metrics } from '#libs/observability';
import type { IngestMeter } from './application/ports.js';
import type { ClaimKind } from './domain/claim.js';

const SIZES = [1, 4, 16, 64, 256, 1024, 4096, 8192];
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 10];

/** What happens in ingest, as Prometheus metrics. */
export class PrometheusMeter implements IngestMeter {
  readonly #accepted;
  readonly #refused;
  readonly #itemsInFlight;
  readonly #bytesInFlight;
  readonly #queued;
  readonly #flushClaims;
  readonly #flushWinners;
  readonly #produceSeconds;
  readonly #lookups;
  readonly #viewAgeSeconds;
  readonly #channels;
  readonly #channelsHeld;

  constructor(metrics: Metrics) {
    this.#accepted = metrics.counter('payments_accepted_total', 'Payments accepted', ['kind']);
    this.#refused = metrics.counter('payments_refused_total', 'Payments refused', [
      'kind',
      'reason',
    ]);
    this.#itemsInFlight = metrics.gauge('ingest_in_flight_items', 'Payments not yet answered');
    this.#bytesInFlight = metrics.gauge('ingest_in_flight_bytes', 'Their bytes');
    this.#queued = metrics.gauge('ingest_queue_items', 'Payments waiting for a flush');
    this.#flushClaims = metrics.histogram('ingest_flush_claims', 'Payments per flush', SIZES);
    this.#flushWinners = metrics.histogram('ingest_flush_winners', 'Log entries per flush', SIZES);
    this.#produceSeconds = metrics.histogram('ingest_produce_seconds', 'Time of a write', SECONDS);
    this.#lookups = metrics.counter(
      'ingest_lookups_total',
      'Channels that the books were asked for',
      ['result'],
    );
    this.#viewAgeSeconds = metrics.gauge('ingest_view_age_seconds', 'Age of the oldest mark');
    this.#channels = metrics.gauge('ingest_channels', 'Channels in memory');
    this.#channelsHeld = metrics.gauge('ingest_channels_held', 'Of these, in use');
  }

  accepted(kind: ClaimKind, count: number): void {
    this.#accepted.inc({ kind }, count);
  }

  refused(kind: ClaimKind, reason: Reason, count: number): void {
    this.#refused.inc({ kind, reason }, count);
  }

  inFlight(items: number, bytes: number): void {
    this.#itemsInFlight.set(items);
    this.#bytesInFlight.set(bytes);
  }

  queued(items: number): void {
    this.#queued.set(items);
  }

  flushed(claims: number, winners: number): void {
    this.#flushClaims.observe(claims);
    this.#flushWinners.observe(winners);
  }

  produced(seconds: number): void {
    this.#produceSeconds.observe(seconds);
  }

  lookedUp(result: 'found' | 'unknown' | 'failed', channels: number): void {
    if (channels > 0) this.#lookups.inc({ result }, channels);
  }

  /** Called every second: how recent and how large the view of the channels is. */
  view(ageMs: number | undefined, channels: number, channelsHeld: number): void {
    this.#viewAgeSeconds.set(ageMs === undefined ? Number.NaN : ageMs / 1000);
    this.#channels.set(channels);
    this.#channelsHeld.set(channelsHeld);
  }
}

import type { Metrics } from '#libs/observability';
import {
  assembleSnapshot,
  type PanelView,
  type Rate,
  type ServiceHealth,
  type Snapshot,
  type Sources,
} from '../domain/snapshot.js';
import type { Panel } from './panel.js';

/** The panels behind a snapshot, by the name of what they show. */
export type Panels = {
  readonly [K in keyof PanelViews]: Panel<ValueOf<Sources[K]>>;
};

type PanelViews = Omit<Sources, 'services' | 'rate'>;

type ValueOf<V> = V extends PanelView<infer T> ? T : never;

/** What the snapshot service stands on. */
export type SnapshotServiceOptions = {
  readonly services: Readonly<Record<string, Panel<ServiceHealth>>>;
  readonly panels: Panels;
  readonly rate: () => Rate;
  readonly metrics: Metrics;
  readonly now: () => number;
};

/** Where snapshots go. */
export type Feed = {
  readonly watchers: () => number;
  readonly push: (snapshot: Snapshot) => void;
};

const TICK_MS = 1_000;
const ALARMS = ['conservation', 'quarantine', 'settlement', 'approval', 'held', 'log'] as const;

/** Keeps the sources fresh and puts them together once a second. */
export class SnapshotService {
  readonly #options: SnapshotServiceOptions;
  #feed: Feed | undefined;
  readonly #alarm;
  readonly #lag;
  #timer: NodeJS.Timeout | undefined;
  #lookedAtMs = 0;

  constructor(options: SnapshotServiceOptions) {
    this.#options = options;
    this.#alarm = options.metrics.gauge('alarm_active', '1 while the alarm stands', ['alarm']);
    this.#lag = options.metrics.gauge('log_lag_records', 'Voucher log records not yet applied');
  }

  start(): void {
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Hands every snapshot on from now; sources are read often only while somebody watches. */
  feed(feed: Feed): void {
    this.#feed = feed;
  }

  /** The snapshot now, from what the sources said last. */
  current(): Snapshot {
    this.#lookedAtMs = this.#options.now();
    return this.#assemble();
  }

  #assemble(): Snapshot {
    const { services, panels, rate, now } = this.#options;
    const nowMs = now();
    return assembleSnapshot(
      {
        services: viewsOf<Sources['services']>(services, nowMs),
        ...viewsOf<PanelViews>(panels, nowMs),
        rate: rate(),
      },
      nowMs,
    );
  }

  #tick(): void {
    const { services, panels, now } = this.#options;
    const watched = (this.#feed?.watchers() ?? 0) > 0 || now() - this.#lookedAtMs < 5 * TICK_MS;
    for (const panel of [...Object.values(services), ...Object.values(panels)]) {
      void panel.refresh(now, watched);
    }
    const snapshot = this.#assemble();
    const standing = new Set(snapshot.alarms.map(({ name }) => name));
    for (const alarm of ALARMS) this.#alarm.set({ alarm }, standing.has(alarm) ? 1 : 0);
    if (snapshot.lag !== null) this.#lag.set(Number(snapshot.lag.records));
    this.#feed?.push(snapshot);
  }
}

// Each panel's view stands under the panel's own name, which a loop over the names cannot tell the compiler.
function viewsOf<V extends Readonly<Record<string, PanelView<unknown>>>>(
  panels: Readonly<Record<keyof V, Panel<unknown>>>,
  nowMs: number,
): V {
  const entries: [string, Panel<unknown>][] = Object.entries(panels);
  return Object.fromEntries(entries.map(([name, panel]) => [name, panel.view(nowMs)])) as V;
}

import type { Logger } from '#libs/observability';
import type { SnapshotService } from './application/snapshot.service.js';
import type { StreamHub } from './http/stream-hub.js';
import type { LedgerEventsConsumer } from './kafka/ledger-events.consumer.js';

/** What starts and stops. */
export type LifecycleParts = {
  readonly snapshots: SnapshotService;
  readonly hub: StreamHub;
  readonly events: LedgerEventsConsumer;
  /** Connections, closed one after another when nothing uses them any more. */
  readonly closers: readonly (() => void | Promise<void>)[];
  readonly logger: Logger;
};

/** Starts the refreshing and stops everything in order; Nest calls the hooks. */
export class Lifecycle {
  readonly #parts: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  onApplicationBootstrap(): void {
    const { snapshots, hub, events } = this.#parts;
    // Only open pages count as watchers, so that an unattended cluster is read seldom.
    snapshots.feed({ watchers: () => hub.size, push: (snapshot) => hub.push(snapshot) });
    snapshots.start();
    void events.start();
  }

  /** Open pages would keep the HTTP server from closing. */
  beforeApplicationShutdown(): void {
    this.#parts.hub.close();
    this.#parts.snapshots.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    const { events, closers, logger } = this.#parts;
    for (const close of [() => events.stop(), ...closers]) {
      try {
        await close();
      } catch (error) {
        logger.warn({ err: error }, 'a connection did not close cleanly');
      }
    }
  }
}

import type { Server } from '@grpc/grpc-js';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { HealthImplementation } from 'grpc-health-check';
import { PACKAGE, type ServiceName } from '#libs/contracts';
import type { Health } from '#libs/observability';

const LOOK_EVERY_MS = 1_000;

/**
 * What `grpc.health.v1.Health` answers on every gRPC port of a process: SERVING while the process is ready,
 * by the same checks as its HTTP probe, at most a second old. NOT_SERVING before the first look and from the
 * moment it drains, so that a balancing client leaves before the port closes.
 */
export class ServingStatus implements BeforeApplicationShutdown {
  readonly #ports: { readonly implementation: HealthImplementation; readonly names: string[] }[] =
    [];
  #serving = false;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;

  /** Adds the health service to a port that serves these services. */
  addTo(server: Server, services: readonly ServiceName[]): void {
    const names = ['', ...services.map((name) => `${PACKAGE}.${name}`)];
    const status = this.#status();
    const implementation = new HealthImplementation(
      Object.fromEntries(names.map((name) => [name, status])),
    );
    implementation.addToServer(server);
    this.#ports.push({ implementation, names });
  }

  /** Looks now and then every second; resolves after the first look. */
  async follow(health: Health, everyMs: number = LOOK_EVERY_MS): Promise<void> {
    const { ready } = await health.report();
    if (this.#draining) return;
    this.#set(ready);
    this.#timer = setTimeout(() => void this.follow(health, everyMs), everyMs);
    this.#timer.unref();
  }

  /** From now on NOT_SERVING, whatever the checks say. */
  drain(): void {
    this.#draining = true;
    clearTimeout(this.#timer);
    this.#set(false);
  }

  beforeApplicationShutdown(): void {
    this.drain();
  }

  #set(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const { implementation, names } of this.#ports) {
      for (const name of names) implementation.setStatus(name, this.#status());
    }
  }

  #status() {
    return this.#serving ? ('SERVING' as const) : ('NOT_SERVING' as const);
  }
}

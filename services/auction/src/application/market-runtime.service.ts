import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
} from '@nestjs/common';
import type { Loop } from '#libs/jobs';
import type { LogWatch, PartitionConsumer, Producer } from '#libs/kafka';

/** Starts and stops what runs beside the API, in the order that loses nothing. */
export class MarketRuntime
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly parts: {
      readonly producer: Producer;
      readonly consumer: PartitionConsumer;
      readonly watch: LogWatch;
      readonly loops: readonly Loop[];
      /** Closes the stores, when no request is in flight any more. */
      readonly close: () => Promise<void>;
    },
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { producer, consumer, watch, loops } = this.parts;
    await watch.start();
    await producer.connect();
    await consumer.start();
    for (const loop of loops) loop.start();
  }

  /** Requests still come in while this runs; they write to the log, which the next process reads. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.parts.consumer.stop();
    await this.parts.watch.stop();
    await Promise.all(this.parts.loops.map((loop) => loop.stop()));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.parts.close();
  }
}

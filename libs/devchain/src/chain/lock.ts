/** Runs tasks one at a time: urgent ones first, otherwise in the order they were given. */
export class Lock {
  private readonly urgent: (() => Promise<void>)[] = [];
  private readonly normal: (() => Promise<void>)[] = [];
  private busy = false;

  /** Tasks that have not finished yet. */
  get queued(): number {
    return this.urgent.length + this.normal.length + (this.busy ? 1 : 0);
  }

  run<T>(task: () => Promise<T> | T, urgent = false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const job = async (): Promise<void> => {
      try {
        resolve(await task());
      } catch (error) {
        reject(error);
      }
    };
    (urgent ? this.urgent : this.normal).push(job);
    if (!this.busy) void this.work();
    return promise;
  }

  private async work(): Promise<void> {
    this.busy = true;
    for (;;) {
      const job = this.urgent.shift() ?? this.normal.shift();
      if (job === undefined) break;
      await job();
    }
    this.busy = false;
  }
}

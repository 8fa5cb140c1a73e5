import { fork } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type {
  FromGenerator,
  GeneratorOrder,
  PhaseOrder,
  PhaseResult,
  ToGenerator,
} from './messages.js';

/** A generator in a process of its own, as its parent sees it. */
export class GeneratorProcess {
  readonly #child: ReturnType<typeof fork>;
  readonly #waiting: ((message: FromGenerator) => void)[] = [];
  readonly #arrived: FromGenerator[] = [];
  #onStarted: (startMs: number) => void = () => undefined;

  private constructor(order: GeneratorOrder) {
    mkdirSync(order.folder, { recursive: true });
    const file = join(order.folder, 'order.json');
    const asText = (_key: string, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value;
    writeFileSync(file, JSON.stringify(order, asText));
    const script = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
    const log = openSync(join(order.folder, 'generator.log'), 'w');
    this.#child = fork(script, [file], {
      serialization: 'advanced',
      stdio: ['ignore', log, log, 'ipc'],
    });
    this.#child.on('message', (message: FromGenerator) => {
      if (message.kind === 'started') this.#onStarted(message.startMs);
      else this.#take(message);
    });
    this.#child.on('error', (error) => this.#take({ kind: 'failed', reason: error.message }));
    this.#child.once('exit', (code) =>
      this.#take({
        kind: 'failed',
        reason: `the generator ended with code ${code}; see ${order.folder}`,
      }),
    );
  }

  /** Starts the process and opens all handles. Throws what the generator failed with. */
  static async start(
    order: GeneratorOrder,
  ): Promise<{ generator: GeneratorProcess; openSeconds: number }> {
    const generator = new GeneratorProcess(order);
    const { openSeconds } = await generator.#expect('ready');
    return { generator, openSeconds };
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Runs a phase. `onStarted` is told its very start. */
  async phase(
    phase: PhaseOrder,
    onStarted: (startMs: number) => void = () => undefined,
  ): Promise<PhaseResult> {
    this.#onStarted = onStarted;
    this.#send({ kind: 'phase', phase });
    return (await this.#expect('phase')).result;
  }

  /** Ends the streams; returns how many frames have no answer. */
  async finish(): Promise<number> {
    this.#send({ kind: 'finish' });
    const { unanswered } = await this.#expect('finished');
    this.stop();
    return unanswered;
  }

  /** Ends the process whatever it does. */
  stop(): void {
    this.#child.removeAllListeners('exit');
    if (this.#child.connected) this.#child.disconnect();
  }

  // A generator that has ended is told nothing more: why it ended waits to be read.
  #send(message: ToGenerator): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #take(message: FromGenerator): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#arrived.push(message);
    else waiter(message);
  }

  async #expect<K extends FromGenerator['kind']>(
    kind: K,
  ): Promise<Extract<FromGenerator, { kind: K }>> {
    const message =
      this.#arrived.shift() ??
      (await new Promise<FromGenerator>((resolve) => this.#waiting.push(resolve)));
    if (message.kind === 'failed') throw new Error(message.reason);
    if (message.kind !== kind) throw new Error(`the generator said ${message.kind}, not ${kind}`);
    return message as Extract<FromGenerator, { kind: K }>;
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from '../../../../deploy/local/src/root.js';
import { AckLogReader } from './ack-log.js';
import {
  ackLogFile,
  type FromLoad,
  type ListedChannel,
  type LoadOrder,
  readChannels,
  type ToLoad,
} from './order.js';

/** The paying process as the test sees it. */
export class LoadProcess {
  readonly acks: AckLogReader;
  #failure: string | undefined;
  #stopped = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly channels: readonly ListedChannel[],
    folder: string,
  ) {
    this.acks = new AckLogReader(ackLogFile(folder));
    child.on('message', (message: FromLoad) => {
      if (message.kind === 'failed') this.#failure = message.reason;
      if (message.kind === 'stopped') this.#stopped = true;
    });
    child.once('exit', (code) => {
      if (!this.#stopped) this.#failure ??= `the payer ended with code ${code}`;
    });
  }

  /** Starts it; resolves when channels are open and payments begin. */
  static async start(order: LoadOrder): Promise<LoadProcess> {
    const file = join(order.folder, 'load.json');
    writeFileSync(file, JSON.stringify(order));
    const logFile = join(order.folder, 'load.log');
    const log = openSync(logFile, 'a');
    const child = fork(compiled('test/crash/src/load/main.js'), [file], {
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once('message', (message: FromLoad) => {
        if (message.kind === 'ready') resolve();
        else reject(new Error(`the payer could not start: ${JSON.stringify(message)}`));
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the payer ended (${code}), see ${logFile}`)));
    });
    return new LoadProcess(child, readChannels(order.folder), order.folder);
  }

  /** Throws when the payer is no more: then nothing can be concluded. */
  assertAlive(): void {
    if (this.#failure !== undefined) throw new Error(`the payer failed: ${this.#failure}`);
  }

  /** Lets it send no more; resolves when every payment has its answer. */
  async stop(): Promise<void> {
    this.assertAlive();
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    const message: ToLoad = { kind: 'stop' };
    this.child.send(message);
    await ended;
    this.assertAlive();
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopped = true;
    this.child.kill('SIGKILL');
  }
}

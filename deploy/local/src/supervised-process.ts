import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BACKOFF_FIRST_MS, decideRestart } from './backoff.js';
import { logTail, openLog } from './log-tail.js';
import { endProcess, identify, type ProcessIdentity } from './process-identity.js';
import type { ProcessPhase } from './state-file.js';

/** Started again when it dies: not at all, with growing pauses up to a limit, or at once and for ever (crash tests). */
export type Restart = boolean | 'always';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly uid?: number;
  readonly gid?: number;
  /** Resolves true when the process does its work; asked again and again until then. */
  readonly isReady: () => Promise<boolean>;
  readonly readyTimeoutMs: number;
  readonly restart: Restart;
  /**
   * How often a death before the first readiness is answered by another try (default 0). A server
   * whose predecessor was killed may find its memory or lock still held for a moment.
   */
  readonly startRetries?: number;
}

const START_RETRY_WAIT_MS = 700;

export type ProcessListener = (event: 'changed' | 'died' | 'gave-up') => void;

/** One child process: started, watched, started again, ended. Its output goes to its log file. */
export class SupervisedProcess {
  phase: ProcessPhase = 'stopped';
  identity: ProcessIdentity | undefined;
  startedAtMs = 0;
  restarts = 0;
  private child: ChildProcess | undefined;
  private readonly deathsAtMs: number[] = [];
  private stopping = false;
  private spawnFailure: string | undefined;
  private startFailures = 0;

  constructor(
    readonly spec: ProcessSpec,
    private readonly listener: ProcessListener,
  ) {}

  /** Starts and waits until ready. Throws with the log's tail when it dies first or never gets ready. */
  async start(): Promise<void> {
    this.spawn('starting');
    const deadline = Date.now() + this.spec.readyTimeoutMs;
    while (!(await this.spec.isReady().catch(() => false))) {
      if (this.stopping) throw new Error(`${this.spec.name} was stopped while starting`);
      if (this.phase === 'failed') throw this.failure('did not start');
      if (Date.now() > deadline) {
        throw this.failure(`was not ready within ${this.spec.readyTimeoutMs / 1000} s`);
      }
      await sleep(50);
    }
    this.setPhase('running');
  }

  /** Ends the process: asks first, kills after `graceMs`. Afterwards it is never restarted. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    if (this.identity) await endProcess(this.identity, this.spec.stopSignal, graceMs);
    this.setPhase('stopped');
  }

  private setPhase(phase: ProcessPhase): void {
    this.phase = phase;
    this.listener('changed');
  }

  private failure(what: string): Error {
    const tail = this.spawnFailure ?? logTail(this.spec.logFile);
    return new Error(`${this.spec.name} ${what}; end of ${this.spec.logFile}:\n${tail}`);
  }

  private spawn(phase: 'starting' | 'restarting'): void {
    const { spec } = this;
    const log = openLog(spec.logFile);
    this.spawnFailure = undefined;
    // A process group of its own: Ctrl-C must reach the launcher only, which stops things in order.
    this.child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', log, log],
      detached: true,
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
    closeSync(log);
    this.identity = this.child.pid === undefined ? undefined : identify(this.child.pid);
    this.startedAtMs = Date.now();
    this.child.once('error', (error) => {
      this.spawnFailure = error.message;
      this.setPhase('failed');
    });
    this.child.once('exit', () => this.onExit());
    this.setPhase(phase);
  }

  private onExit(): void {
    if (this.stopping) return;
    if (this.phase === 'starting' && this.startFailures++ < (this.spec.startRetries ?? 0)) {
      void this.spawnAfter(START_RETRY_WAIT_MS, 'starting');
      return;
    }
    // Before the first readiness a death is a failed start, told at once instead of tried again.
    if (!this.spec.restart || (this.phase === 'starting' && this.restarts === 0)) {
      this.setPhase('failed');
      this.listener('died');
      return;
    }
    this.deathsAtMs.push(Date.now());
    const decision =
      this.spec.restart === 'always'
        ? { restartAfterMs: BACKOFF_FIRST_MS }
        : decideRestart(this.deathsAtMs, Date.now());
    if (decision === 'give-up') {
      this.setPhase('failed');
      this.listener('gave-up');
      return;
    }
    this.setPhase('restarting');
    this.listener('died');
    void this.restartAfter(decision.restartAfterMs);
  }

  private async spawnAfter(waitMs: number, phase: 'starting' | 'restarting'): Promise<void> {
    await sleep(waitMs);
    if (!this.stopping) this.spawn(phase);
  }

  private async restartAfter(waitMs: number): Promise<void> {
    this.restarts++;
    await this.spawnAfter(waitMs, 'restarting');
    const identity = this.identity;
    while (!this.stopping && this.identity === identity && this.phase === 'restarting') {
      if (await this.spec.isReady().catch(() => false)) {
        if (this.identity === identity && this.phase === 'restarting') this.setPhase('running');
        return;
      }
      await sleep(100);
    }
  }
}

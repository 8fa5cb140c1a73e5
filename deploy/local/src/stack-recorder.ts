import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProcessIdentity } from './process-identity.js';
import { type ProcessState, type StackState, writeState } from './state-file.js';
import type { SupervisedProcess } from './supervised-process.js';

interface Row {
  readonly process: SupervisedProcess;
  readonly port: number;
  readonly url: string;
}

/** Keeps `state.json` in step with what runs: it is the memory that survives a killed launcher. */
export class StackRecorder {
  private readonly rows: Row[] = [];
  private readonly fixed: ProcessState[] = [];

  constructor(
    private readonly path: string,
    private state: StackState,
  ) {}

  get current(): StackState {
    return this.state;
  }

  update(change: Partial<StackState>): void {
    this.state = { ...this.state, ...change };
    this.save();
  }

  addProcess(row: Row): void {
    this.rows.push(row);
  }

  /** A server that is not a process of ours. */
  addServer(name: string, source: 'compose' | 'environment', url: string): void {
    const at = { startedAtMs: Date.now(), restarts: 0 };
    this.fixed.push({ name, source, url, phase: 'running', stopSignal: 'SIGTERM', ...at });
    this.save();
  }

  save(): void {
    const running = this.rows.map(({ process, port, url }): ProcessState => {
      const identity: ProcessIdentity | undefined = process.identity;
      return {
        name: process.spec.name,
        ...(identity ? { identity } : {}),
        phase: process.phase,
        stopSignal: process.spec.stopSignal,
        port,
        url,
        startedAtMs: process.startedAtMs,
        restarts: process.restarts,
        logFile: process.spec.logFile,
        source: 'local',
      };
    });
    this.state = { ...this.state, processes: [...this.fixed, ...running] };
    // A temporary stack removes its folder while the last exits are still being noted.
    if (existsSync(dirname(this.path))) writeState(this.path, this.state);
  }
}

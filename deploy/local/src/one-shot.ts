import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { logTail, openLog } from './log-tail.js';
import { compileCache, repositoryRoot } from './root.js';

export interface OneShot {
  readonly name: string;
  /** Arguments of node: the script and its options. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs a node program to its end; a failure carries the end of its log. */
export async function runToEnd(task: OneShot): Promise<void> {
  const log = openLog(task.logFile);
  const child = spawn(process.execPath, ['--enable-source-maps', ...task.args], {
    cwd: repositoryRoot,
    env: { ...compileCache, ...task.env },
    stdio: ['ignore', log, log],
    timeout: task.timeoutMs,
    killSignal: 'SIGKILL',
    signal: task.signal,
  });
  closeSync(log);
  const outcome = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? '' : `ended with ${signal ?? code}`));
  });
  if (outcome) {
    throw new Error(`${task.name} ${outcome}; end of ${task.logFile}:\n${logTail(task.logFile)}`);
  }
}

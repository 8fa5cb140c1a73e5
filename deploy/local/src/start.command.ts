import { spawn } from 'node:child_process';
import { dataFolder } from './data-folder.js';
import { LockedError } from './lock.js';
import { logTail } from './log-tail.js';
import { type LauncherOptions, UsageError } from './options.js';
import { progressTo } from './progress.js';
import { compiled, repositoryRoot } from './root.js';
import { type Stack, startStack } from './stack.js';
import { readState } from './state-file.js';
import { whereToLook } from './where-to-look.js';

/** Exit code of a program ended by Ctrl-C, as shells count it. */
const INTERRUPTED = 130;

/** Aborted by the first Ctrl-C, SIGTERM or the end of the terminal. */
function stopRequest(): AbortController {
  const request = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => request.abort());
  }
  return request;
}

/** Since the npm command was given, when it says so: installing and building are part of a first start. */
function startedAtMs(env: NodeJS.ProcessEnv): number {
  const given = Number(env.SWARMLEDGER_STARTED_AT_MS);
  return Number.isFinite(given) && given > 0 ? given : Date.now() - process.uptime() * 1000;
}

// The variable is the one switch: our broker, Compose's and the topics of a given broker go by it.
function environmentOf({ powerLossSafe }: LauncherOptions): NodeJS.ProcessEnv {
  if (!powerLossSafe) return process.env;
  return { ...process.env, KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '1' };
}

/** Runs the demo against the stack; its output is passed through. Returns its exit code. */
function runDemo(stack: Stack, options: LauncherOptions, seconds: number, signal: AbortSignal) {
  const args = [compiled('deploy/demo/src/main.js'), '--state', stack.statePath];
  args.push(...options.demoArguments, ...(options.json ? ['--json'] : []));
  const child = spawn(process.execPath, args, {
    cwd: repositoryRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, FIRST_START_SECONDS: seconds.toFixed(1) },
    signal,
    killSignal: 'SIGTERM',
  });
  return new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function whoHoldsTheFolder(dataDir: string, error: LockedError): UsageError {
  const state = readState(dataFolder(dataDir).state);
  const where = state?.endpoints.adminUrl ? `, dashboard ${state.endpoints.adminUrl}` : '';
  return new UsageError(
    `already running in ${dataDir} (process ${error.holder.pid}${where}); see npm run status, stop it by npm run down`,
  );
}

function waitFor(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // A pending signal handler alone does not keep the program running.
  const keepAlive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => {
      clearInterval(keepAlive);
      resolve();
    }),
  );
}

/** `start` and `demo`: the whole stack, the demo, then either staying up or stopping. */
export async function startCommand(options: LauncherOptions): Promise<number> {
  const begunAtMs = startedAtMs(process.env);
  const request = stopRequest();
  const out = options.json ? process.stderr : process.stdout;
  let failure: string | undefined;
  let stack: Stack;
  try {
    stack = await startStack({
      dataDir: options.dataDir,
      ports: options.ports,
      env: environmentOf(options),
      ...(options.parts ? { parts: options.parts } : {}),
      progress: progressTo(out),
      signal: request.signal,
      onGiveUp: ({ spec }) => {
        failure = `${spec.name} died too often; end of ${spec.logFile}:\n${logTail(spec.logFile)}`;
        request.abort();
      },
    });
  } catch (error) {
    if (error instanceof LockedError) throw whoHoldsTheFolder(options.dataDir, error);
    if (!request.signal.aborted) throw error;
    out.write('stopped while starting\n');
    return INTERRUPTED;
  }
  const seconds = (Date.now() - begunAtMs) / 1000;
  const kind = stack.isFirstStart ? 'first start' : 'start with kept data';
  out.write(
    `\nReady in ${seconds.toFixed(1)} s (${kind}, servers and services ${stack.secondsToReady.toFixed(1)} s).\n`,
  );
  let code = 0;
  try {
    if (options.withDemo || options.command === 'demo') {
      code = await runDemo(stack, options, seconds, request.signal);
    }
    if (options.command === 'start') {
      if (code !== 0 && !request.signal.aborted)
        out.write(`\nThe demo failed (exit code ${code}).\n`);
      const { state, urls } = stack;
      const operatorTokenFile = state.secrets.operatorToken;
      out.write(whereToLook({ endpoints: urls, dataDir: state.dataDir, operatorTokenFile }));
      await waitFor(request.signal);
    }
  } finally {
    await stack.stop();
  }
  if (failure) throw new Error(failure);
  if (options.command === 'start') {
    out.write('stopped\n');
    return 0;
  }
  return request.signal.aborted ? INTERRUPTED : code;
}

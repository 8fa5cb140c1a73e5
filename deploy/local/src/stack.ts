import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createDataFolder } from './data-folder.js';
import { endLeftovers } from './leftovers.js';
import { acquireLock, type HeldLock } from './lock.js';
import { allocatePorts } from './ports.js';
import { identify, type ProcessIdentity } from './process-identity.js';
import { silentProgress } from './progress.js';
import { ensureSecrets } from './secrets.js';
import { SERVERS } from './server-sources.js';
import { SERVICE_PORTS, SERVICES, serviceEndpoints } from './service-specs.js';
import { ALL_PARTS, type PartName, type StackContext, type StackOptions } from './stack-context.js';
import { StackRecorder } from './stack-recorder.js';
import { planServers, type ServerPlan, startServers, stopContainers } from './stack-servers.js';
import { prepareLedger, startServices } from './stack-services.js';
import type { Endpoints, StackState } from './state-file.js';
import { type ProcessSpec, SupervisedProcess } from './supervised-process.js';

/** From the stop signal to SIGKILL: both together stay well under ten seconds. */
const SERVICE_GRACE_MS = 5_000;
const SERVER_GRACE_MS = 3_000;

export interface Stack {
  readonly statePath: string;
  readonly state: StackState;
  readonly urls: Endpoints;
  /** True when the data folder had no state before. */
  readonly isFirstStart: boolean;
  readonly secondsToReady: number;
  /** The running process of this name; throws when there is none. */
  process(name: string): ProcessIdentity;
  /** Starts one more process under the stack's supervision; resolves when it is ready. */
  launch(spec: ProcessSpec, port: number, url: string): Promise<void>;
  stop(): Promise<void>;
}

class RunningStack implements Stack {
  private readonly processes: SupervisedProcess[] = [];
  private plan: ServerPlan | undefined;
  private guardPipe: { end(): void } | undefined;
  private ending: Promise<void> | undefined;
  private isStopping = false;
  isFirstStart = false;
  secondsToReady = 0;

  constructor(
    private readonly context: StackContext,
    private readonly lock: HeldLock,
    private readonly stopController: AbortController,
  ) {}

  get statePath(): string {
    return this.context.folder.state;
  }

  get state(): StackState {
    return this.context.recorder.current;
  }

  get urls(): Endpoints {
    return this.state.endpoints;
  }

  process(name: string): ProcessIdentity {
    const found = this.processes.find((each) => each.spec.name === name);
    if (!found?.identity) throw new Error(`no process ${name} in this stack`);
    return found.identity;
  }

  launch = async (spec: ProcessSpec, port: number, url: string): Promise<void> => {
    const { recorder, options, progress } = this.context;
    const done = progress.step(spec.name);
    const process = new SupervisedProcess(spec, (event) => {
      recorder.save();
      if (event === 'changed' || this.isStopping) return;
      progress.note(
        event === 'died' ? `${spec.name} died; see ${spec.logFile}` : `${spec.name} keeps dying`,
      );
      if (event === 'gave-up') options.onGiveUp?.(process);
    });
    this.processes.push(process);
    recorder.addProcess({ process, port, url });
    if (this.isStopping) throw new Error('the stack is stopping');
    await process.start();
    done(url);
  };

  async start(): Promise<void> {
    const { context } = this;
    if (context.options.guard) this.guardPipe = startGuard(context);
    this.plan = planServers(context);
    await startServers(context, this.plan);
    const services = SERVICES.filter((name) => context.parts.has(name));
    if (services.length === 0) return;
    await prepareLedger(context);
    await startServices(context, services);
  }

  stop(): Promise<void> {
    this.isStopping = true;
    this.stopController.abort();
    this.ending ??= this.stopEverything();
    return this.ending;
  }

  private async stopEverything(): Promise<void> {
    const { recorder, folder, options } = this.context;
    recorder.update({ phase: 'stopping' });
    const isServer = (each: SupervisedProcess) =>
      (SERVERS as readonly string[]).includes(each.spec.name);
    const end = (graceMs: number) => (each: SupervisedProcess) => each.stop(graceMs);
    // Services first, they still write; then the servers, which no longer need each other.
    await Promise.all(this.processes.filter((p) => !isServer(p)).map(end(SERVICE_GRACE_MS)));
    await Promise.all([
      ...this.processes.filter(isServer).map(end(SERVER_GRACE_MS)),
      this.plan && stopContainers(this.context, this.plan),
    ]);
    recorder.update({ phase: 'stopped' });
    this.lock.release();
    this.guardPipe?.end();
    if (options.temporary) rmSync(folder.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function startGuard({ folder, options, recorder }: StackContext): { end(): void } {
  const script = join(import.meta.dirname, `guard${extname(import.meta.filename)}`);
  const startedAt = String(recorder.current.startedAtMs);
  const args = [script, folder.state, startedAt, options.temporary ? folder.path : ''];
  const guard = spawn(process.execPath, args, {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return guard.stdin;
}

/**
 * Starts the wanted parts in one data folder, each as a process of its own, and waits until all
 * are healthy. What a killed launcher left running there is ended first.
 * Throws LockedError when a living launcher has the folder, NoServerError when a server cannot be
 * had, and otherwise an error with the end of the log of the process that failed; nothing is left
 * running after a throw.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const startedAtMs = Date.now();
  const folder = createDataFolder(options.dataDir);
  const lock = acquireLock(folder.lock);
  let stack: RunningStack | undefined;
  try {
    const isFirstStart = !existsSync(folder.state);
    const progress = options.progress ?? silentProgress;
    const ended = await endLeftovers(folder.state);
    if (ended.length > 0) progress.note(`ended what a killed start had left: ${ended.join(', ')}`);
    const parts = new Set(options.parts ?? ALL_PARTS);
    const ports = await allocatePorts(folder.ports, portNames(parts), options.ports ?? {});
    const launcher = identify(process.pid);
    if (!launcher) throw new Error('cannot read the start time of this process');
    const recorder = new StackRecorder(folder.state, {
      version: 1,
      dataDir: folder.path,
      launcher,
      phase: 'starting',
      startedAtMs,
      ports,
      endpoints: serviceEndpoints(ports),
      secrets: ensureSecrets(folder.secrets),
      processes: [],
    });
    recorder.save();
    const env = options.env ?? process.env;
    const stopController = new AbortController();
    const running: RunningStack = new RunningStack(
      {
        options,
        env,
        progress,
        parts,
        folder,
        recorder,
        stopSignal: stopController.signal,
        launch: (spec, port, url) => running.launch(spec, port, url),
      },
      lock,
      stopController,
    );
    stack = running;
    options.signal?.addEventListener('abort', () => void running.stop(), { once: true });
    options.signal?.throwIfAborted();
    running.isFirstStart = isFirstStart;
    await running.start();
    recorder.update({ phase: 'ready' });
    running.secondsToReady = (Date.now() - startedAtMs) / 1000;
    return running;
  } catch (error) {
    if (stack) await stack.stop();
    else lock.release();
    throw error;
  }
}

function portNames(parts: ReadonlySet<PartName>): string[] {
  const servers = SERVERS.filter((name) => parts.has(name)).flatMap((name) =>
    name === 'kafka' ? ['kafka', 'kafka-controller'] : [name],
  );
  const services = SERVICES.filter((name) => parts.has(name));
  return [...servers, ...services.flatMap((name) => SERVICE_PORTS[name])];
}

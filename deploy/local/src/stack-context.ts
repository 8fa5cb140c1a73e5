import type { DataFolder } from './data-folder.js';
import type { Ports } from './ports.js';
import type { Progress } from './progress.js';
import { SERVERS, type ServerName } from './server-sources.js';
import { SERVICE_PORTS, SERVICES, type ServiceName } from './service-specs.js';
import type { StackRecorder } from './stack-recorder.js';
import type { ProcessSpec, Restart, SupervisedProcess } from './supervised-process.js';

export type PartName = ServerName | ServiceName;
export const ALL_PARTS: readonly PartName[] = [...SERVERS, ...SERVICES];

/** Every name that `--port name=NNNN` takes. */
export const PORT_NAMES: readonly string[] = [
  'postgres',
  'kafka',
  'kafka-controller',
  'chain',
  ...SERVICES.flatMap((name) => SERVICE_PORTS[name]),
];

export interface StackOptions {
  readonly dataDir: string;
  /** What to start; by default everything. Services need all three servers. */
  readonly parts?: readonly PartName[];
  /** Ports that must be used, by the names of `PORT_NAMES`. */
  readonly ports?: Ports;
  readonly env?: NodeJS.ProcessEnv;
  readonly progress?: Progress;
  /** Processes that die are started again (default true). */
  readonly restart?: Restart;
  /** Everything ends by itself when this process dies, even by SIGKILL (for tests). */
  readonly guard?: boolean;
  /** The data folder is deleted at the end, also by the guard (for tests). */
  readonly temporary?: boolean;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  readonly blockIntervalMs?: number;
  /** Ends the start, or the running stack, when aborted. */
  readonly signal?: AbortSignal;
  /** Told when a process died too often to be started again; by default nothing happens. */
  readonly onGiveUp?: (process: SupervisedProcess) => void;
}

/** What the starting functions share. */
export interface StackContext {
  readonly options: StackOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  readonly parts: ReadonlySet<PartName>;
  readonly folder: DataFolder;
  readonly recorder: StackRecorder;
  /** Aborted when the stack is to stop: what still works for the start gives up. */
  readonly stopSignal: AbortSignal;
  /** Starts one process under supervision, as a step of the progress. */
  launch(spec: ProcessSpec, port: number, url: string): Promise<void>;
}

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineName } from './options.js';

/** The release that the script is written for. */
export const K6_VERSION = 'v1.3.0';
const K6_MODULE = 'go.k6.io/k6';
const K6_IMAGE = `grafana/k6:${K6_VERSION.slice(1)}`;
const ANSWER_TIMEOUT_MS = 10_000;
const INSTALL_TIMEOUT_MS = 1_800_000;
const PULL_TIMEOUT_MS = 300_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** A program that runs the script. */
export type Engine =
  | { readonly kind: 'k6'; readonly path: string }
  | { readonly kind: 'docker'; readonly image: string }
  | { readonly kind: 'node' };

/** What the choice depends on; tests give their own. */
export type Surroundings = {
  /** Where a k6 of our own lies, or would lie. */
  readonly k6Path: string;
  /** What `command version` prints; undefined when there is no such program or it does not run. */
  versionOf(command: string): string | undefined;
  /** Builds k6 into `k6Path`. Answers why it could not, undefined when it did. */
  install(): Promise<string | undefined>;
  /** True when Docker has this image, or could fetch it. */
  hasImage(image: string): Promise<boolean>;
  say(text: string): void;
};

/** The engine that was asked for cannot be had; the message says what to do. */
export class NoEngineError extends Error {
  override readonly name = 'NoEngineError';
}

/**
 * Finds the engine. `auto` takes k6 from the PATH, else the one in `.cache/tools/bin`, else builds it there with Go,
 * else takes its Docker image, else the Node stand-in, and says so. Throws a NoEngineError only for a named engine.
 */
export async function findEngine(
  wanted: EngineName,
  mayInstall: boolean,
  around: Surroundings,
): Promise<Engine> {
  if (wanted === 'node') return { kind: 'node' };
  const hasDocker = () => around.hasImage(K6_IMAGE);
  if (wanted === 'docker') {
    if (await hasDocker()) return { kind: 'docker', image: K6_IMAGE };
    throw new NoEngineError(`Docker does not answer or cannot fetch ${K6_IMAGE}`);
  }
  const { path, lack } = await findK6(mayInstall, around);
  if (path !== undefined) return { kind: 'k6', path };
  if (wanted === 'k6') throw new NoEngineError(`${lack}; --engine node is a check without k6`);
  if (await hasDocker()) return { kind: 'docker', image: K6_IMAGE };
  around.say(`${lack}: the Node stand-in sends the load instead, and its times are not k6's`);
  return { kind: 'node' };
}

async function findK6(
  mayInstall: boolean,
  around: Surroundings,
): Promise<{ path: string; lack?: never } | { path?: never; lack: string }> {
  if (around.versionOf('k6') !== undefined) return { path: 'k6' };
  // One of another release is left from before the pin moved: it is built anew.
  if (around.versionOf(around.k6Path)?.includes(`${K6_VERSION} `)) return { path: around.k6Path };
  if (!mayInstall) return { lack: 'k6 is neither on the PATH nor in .cache/tools/bin' };
  around.say(`building k6 ${K6_VERSION} with Go into .cache/tools/bin: a few minutes, once`);
  const failure = await around.install();
  return failure === undefined
    ? { path: around.k6Path }
    : { lack: `k6 ${K6_VERSION} could not be built: ${failure}` };
}

/** The machine as it is. */
export function surroundings(toolsFolder: string, say: (text: string) => void): Surroundings {
  const k6Path = join(toolsFolder, 'bin', 'k6');
  return {
    k6Path,
    versionOf: (command) => {
      const options = { encoding: 'utf8', timeout: ANSWER_TIMEOUT_MS } as const;
      const { status, stdout } = spawnSync(command, ['version'], options);
      return status === 0 ? stdout : undefined;
    },
    install: () => installWithGo(k6Path),
    hasImage,
    say,
  };
}

async function hasImage(image: string): Promise<boolean> {
  const docker = (args: string[], timeoutMs: number) =>
    promisify(execFile)('docker', args, { timeout: timeoutMs }).then(
      () => true,
      () => false,
    );
  if (await docker(['image', 'inspect', image], ANSWER_TIMEOUT_MS)) return true;
  return await docker(['pull', '--quiet', image], PULL_TIMEOUT_MS);
}

/** Builds k6 from the pinned release beside its place and moves it there whole. Answers why it could not. */
export async function installWithGo(
  k6Path: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const scratch = join(dirname(k6Path), `build-k6-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  try {
    await promisify(execFile)('go', ['install', `${K6_MODULE}@${K6_VERSION}`], {
      timeout: INSTALL_TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      // A target system of its own would make Go refuse GOBIN, and k6 is to run here.
      env: { ...env, GOBIN: scratch, GOOS: '', GOARCH: '' },
    });
    if (!existsSync(join(scratch, 'k6'))) return 'Go built no program called k6';
    renameSync(join(scratch, 'k6'), k6Path);
    return undefined;
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
    if (code === 'ENOENT') return 'there is no Go on the PATH';
    return (stderr?.trim() || message).split('\n').at(-1) ?? message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

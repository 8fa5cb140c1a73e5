import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 600_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The repository's root, from the source tree and from `dist/` alike. */
export const ROOT = resolve(
  fileURLToPath(new URL('.', import.meta.url)).replace(/[/\\]dist([/\\])deploy/, '$1deploy'),
  '../../..',
);

/** A program that `go` builds from a pinned version, or from a folder of ours with its own go.sum. */
export type GoTool =
  | { readonly name: string; readonly package: string; readonly version: string }
  | { readonly name: string; readonly folder: string; readonly version: string };

/** What the deployment checks run. Versions are part of the file name, so a new pin builds anew. */
export const TOOLS = {
  kustomize: {
    name: 'kustomize',
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    version: 'v5.8.1',
  },
  // Holds the Kubernetes schemas up to 1.30 and refuses unknown fields, as an API server does.
  kubectlValidate: {
    name: 'kubectl-validate',
    package: 'sigs.k8s.io/kubectl-validate',
    version: 'v0.0.4',
  },
  composeConfig: {
    name: 'compose-config',
    folder: 'deploy/checks/compose-config',
    version: 'v2.16.2',
  },
} as const satisfies Record<string, GoTool>;

/** Path of a tool, built into `.cache/tools` when it is not there; throws one sentence when it cannot be had. */
export async function ensureTool(tool: GoTool): Promise<string> {
  const folder = join(ROOT, '.cache', 'tools');
  const path = join(folder, `${tool.name}-${tool.version}`);
  if (existsSync(path)) return path;
  const scratch = join(folder, `build-${tool.name}-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  try {
    await build(tool, scratch);
    renameSync(join(scratch, tool.name), path);
    return path;
  } catch (error) {
    throw new Error(
      `${tool.name} ${tool.version} is not in .cache/tools and could not be built with Go (1.24 or newer, with access to its module proxy): ${lastLine(error)}`,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs a tool and returns its output; throws with what it wrote to standard error. */
export async function runTool(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await run(path, args, {
      cwd: ROOT,
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout ?? ''}${stderr ?? String(error)}`.trim());
  }
}

async function build(tool: GoTool, target: string): Promise<void> {
  const options = { timeout: INSTALL_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  if ('folder' in tool) {
    const args = ['build', '-mod=readonly', '-o', join(target, tool.name), '.'];
    await run('go', args, { ...options, cwd: join(ROOT, tool.folder) });
    return;
  }
  await run('go', ['install', `${tool.package}@${tool.version}`], {
    ...options,
    env: { ...process.env, GOBIN: target },
  });
}

function lastLine(error: unknown): string {
  const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
  if (code === 'ENOENT') return 'no "go" on the PATH';
  return (stderr?.trim() || message).split('\n').at(-1) ?? message;
}

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Under which conditions a figure was measured: without them it means nothing. */
export function conditions(root: string): string[] {
  const processors = cpus();
  const commit = git(root, ['rev-parse', '--short', 'HEAD']) ?? 'unknown';
  const changed =
    git(root, ['status', '--porcelain']) === '' ? '' : ' with changes that are not committed';
  return [
    `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    `Node ${process.versions.node}; all processes and the generator on this machine`,
    `commit ${commit}${changed}, ${new Date().toISOString().slice(0, 10)}`,
    `load average before the run: ${(loadavg()[0] ?? 0).toFixed(2)}`,
  ];
}

function git(root: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checksumFaults, parseChecksums } from './checksums.js';
import { repositoryRoot } from './root.js';

const run = promisify(execFile);

export const KAFKA_VERSION = '4.1.2';

export interface JarPaths {
  readonly pom: string;
  readonly checksums: string;
  readonly cache: string;
}

export const defaultJarPaths: JarPaths = {
  pom: join(repositoryRoot, 'deploy/local/kafka/pom.xml'),
  checksums: join(repositoryRoot, 'deploy/local/kafka/checksums.sha256'),
  cache: join(repositoryRoot, '.cache', `kafka-${KAFKA_VERSION}`),
};

/** True when the broker's jars lie in the cache, checked against the list that is committed now. */
export function jarsAreCached({ checksums, cache }: JarPaths = defaultJarPaths): boolean {
  const stamp = join(cache, 'verified');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === readFileSync(checksums, 'utf8');
}

/**
 * Brings the broker's jars from Maven Central into the cache, once. Each must have the committed
 * SHA-256; two downloads at once end with the same folder, the later one is dropped.
 */
export async function ensureJars(
  paths: JarPaths = defaultJarPaths,
  signal?: AbortSignal,
): Promise<string> {
  if (jarsAreCached(paths)) return paths.cache;
  const fresh = `${paths.cache}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    await copyDependencies(paths.pom, fresh, signal);
    const listed = readFileSync(paths.checksums, 'utf8');
    const faults = await checksumFaults(fresh, parseChecksums(listed));
    if (faults.length > 0) {
      throw new Error(`the Kafka download is not what was pinned: ${faults.join('; ')}`);
    }
    writeFileSync(join(fresh, 'verified'), listed);
    if (!jarsAreCached(paths)) {
      rmSync(paths.cache, { recursive: true, force: true });
      renameSync(fresh, paths.cache);
    }
    return paths.cache;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function copyDependencies(
  pom: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  try {
    await run(
      process.platform === 'win32' ? 'mvn.cmd' : 'mvn',
      ['-B', '-q', '-f', pom, goal, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`],
      { timeout: 300_000, maxBuffer: 16 * 1024 * 1024, ...(signal ? { signal } : {}) },
    );
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const detail = `${stdout}${stderr}`.trim().split('\n').slice(0, 8).join('\n');
    throw new Error(`Maven could not bring Kafka ${KAFKA_VERSION}: ${detail || String(error)}`);
  }
}

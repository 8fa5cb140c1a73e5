import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './tools.js';

const run = promisify(execFile);
const FOLDER = join(ROOT, 'deploy', 'checks', 'strimzi');
const MAVEN_TIMEOUT_MS = 600_000;
// The jars bring a logging facade without a logger, which would complain before every finding.
const QUIET = '-Dslf4j.internal.verbosity=ERROR';

/**
 * Reads files of Strimzi resources with the operator's own classes and returns how many were read. Throws with a line
 * for each unknown field or wrong value, or with one sentence when JDK and Maven are not there.
 */
export async function checkStrimziResources(files: readonly string[]): Promise<string> {
  const classpath = await strimziClasspath();
  const program = join(FOLDER, 'StrimziCheck.java');
  try {
    return (await run('java', [QUIET, '-cp', classpath, program, ...files])).stdout;
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr ?? String(error));
  }
}

/** The jars of pom.xml, fetched by Maven when they are not there. */
async function strimziClasspath(): Promise<string> {
  const pom = join(FOLDER, 'pom.xml');
  const version = /<artifactId>api<\/artifactId>\s*<version>([^<]+)</.exec(
    readFileSync(pom, 'utf8'),
  );
  const cached = join(ROOT, '.cache', 'tools', `strimzi-${version?.[1]}.classpath`);
  const isComplete = () =>
    existsSync(cached) && readFileSync(cached, 'utf8').split(delimiter).every(existsSync);
  if (isComplete()) return readFileSync(cached, 'utf8');
  mkdirSync(join(ROOT, '.cache', 'tools'), { recursive: true });
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${cached}`];
  try {
    await run('mvn', ['-q', '-B', '-f', pom, ...goal], { timeout: MAVEN_TIMEOUT_MS });
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    const reason = (stdout?.trim() || message).split('\n')[0];
    throw new Error(
      `the Strimzi check needs a JDK (17 or newer) and Maven with access to its repository: ${reason}`,
    );
  }
  return readFileSync(cached, 'utf8');
}

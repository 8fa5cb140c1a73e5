import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { javaMajor, kafkaProperties } from './kafka-config.js';
import { ensureJars, jarsAreCached } from './kafka-jars.js';
import { kafkaAnswers } from './kafka-probe.js';
import { repositoryRoot } from './root.js';
import type { ProcessSpec, Restart } from './supervised-process.js';

const JAVA_MAJOR_MIN = 17;
const LOG_CONFIG = join(repositoryRoot, 'deploy/local/kafka/log4j2.xml');

/** The path of a program on PATH, or undefined. */
export function findProgram(
  name: string,
  path: string = process.env.PATH ?? '',
): string | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  return path
    .split(delimiter)
    .flatMap((folder) => names.map((each) => join(folder, each)))
    .find((candidate) => existsSync(candidate));
}

/** The java program of a JDK or JRE that the broker runs on (17 or later), or undefined. */
export function findJava(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env.JAVA_HOME;
  const candidates = [home && join(home, 'bin', 'java'), findProgram('java', env.PATH)];
  return candidates.find((java): java is string => {
    if (!java || !existsSync(java)) return false;
    const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
    return (javaMajor(stderr ?? '') ?? 0) >= JAVA_MAJOR_MIN;
  });
}

/** True when a local broker can be had: Java, and Maven or its earlier download. */
export function kafkaIsPossible(): boolean {
  return findJava() !== undefined && (jarsAreCached() || findProgram('mvn') !== undefined);
}

export interface KafkaOptions {
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly restart: Restart;
  readonly flushMessages?: number | undefined;
  readonly signal?: AbortSignal;
}

export interface KafkaPiece {
  readonly spec: ProcessSpec;
  readonly brokers: string;
}

/** Brings the jars if needed, formats the log folder on first use, and says how to run the broker. */
export async function prepareKafka(options: KafkaOptions): Promise<KafkaPiece> {
  const java = findJava();
  if (!java) throw new Error(`no Java ${JAVA_MAJOR_MIN} or later`);
  const jars = await ensureJars(undefined, options.signal);
  const classPath = ['-cp', join(jars, '*')];
  const logging = `-Dlog4j2.configurationFile=${LOG_CONFIG}`;
  const data = join(options.folder, 'data');
  const properties = join(options.folder, 'server.properties');
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  writeFileSync(properties, kafkaProperties({ ...options, folder: data }));
  if (!existsSync(join(data, 'meta.properties'))) {
    const clusterId = randomBytes(16).toString('base64url').replace(/^-/, '_');
    const format = ['kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', clusterId];
    const result = spawnSync(
      java,
      ['-Xmx128m', '-XX:TieredStopAtLevel=1', logging, ...classPath, ...format, '-c', properties],
      { encoding: 'utf8' },
    );
    if (result.status !== 0) throw new Error(`formatting Kafka's folder failed: ${result.stderr}`);
  }
  const brokers = `127.0.0.1:${options.port}`;
  // Some dozen large requests a second: compiling them well, and collecting beside them, costs more than it saves.
  const heap = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return {
    brokers,
    spec: {
      name: 'kafka',
      command: java,
      args: [
        ...heap,
        '-XX:+ExitOnOutOfMemoryError',
        '-Djava.awt.headless=true',
        logging,
        ...classPath,
        'kafka.Kafka',
        properties,
      ],
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      cwd: options.folder,
      logFile: options.logFile,
      stopSignal: 'SIGTERM',
      isReady: () => kafkaAnswers(brokers),
      readyTimeoutMs: 90_000,
      restart: options.restart,
      startRetries: 6,
    },
  };
}

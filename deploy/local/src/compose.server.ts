import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './root.js';

const run = promisify(execFile);

export type ComposeService = 'postgres' | 'kafka';

/** True when a Docker engine answers and has the Compose plugin. */
export function composeIsPossible(): boolean {
  const quiet = { stdio: 'ignore', timeout: 10_000 } as const;
  const engine = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], quiet);
  return engine.status === 0 && spawnSync('docker', ['compose', 'version'], quiet).status === 0;
}

export interface ComposeOptions {
  readonly project: string;
  readonly postgresPassword: string;
  readonly postgresPort: number;
  readonly kafkaPort: number;
  /** Records after which the broker forces them to disk. */
  readonly flushMessages?: number | undefined;
}

function composeEnvironment(options: ComposeOptions): NodeJS.ProcessEnv {
  const { flushMessages } = options;
  return {
    ...process.env,
    POSTGRES_PASSWORD: options.postgresPassword,
    POSTGRES_HOST_PORT: String(options.postgresPort),
    KAFKA_HOST_PORT: String(options.kafkaPort),
    KAFKA_ADVERTISED_HOST: '127.0.0.1',
    BIND_HOST: '127.0.0.1',
    ...(flushMessages === undefined
      ? {}
      : { KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: String(flushMessages) }),
  };
}

async function compose(options: ComposeOptions, args: readonly string[]): Promise<void> {
  const file = join(repositoryRoot, 'docker-compose.yml');
  try {
    await run('docker', ['compose', '-f', file, '-p', options.project, ...args], {
      env: composeEnvironment(options),
      timeout: 600_000,
    });
  } catch (error) {
    const { stderr = String(error) } = error as { stderr?: string };
    throw new Error(`docker compose ${args.join(' ')} failed: ${stderr.trim()}`);
  }
}

/** Brings the named servers up in containers and waits for their health checks. */
export async function composeUp(
  options: ComposeOptions,
  services: readonly ComposeService[],
): Promise<void> {
  await compose(options, ['up', '-d', '--wait', ...services]);
}

/** Stops the containers; volumes stay until `composeRemove`. */
export async function composeStop(options: ComposeOptions): Promise<void> {
  await compose(options, ['stop', '--timeout', '6']);
}

export async function composeRemove(project: string): Promise<void> {
  const nothing = { project, postgresPassword: 'none', postgresPort: 0, kafkaPort: 0 };
  await compose(nothing, ['down', '--volumes']);
}

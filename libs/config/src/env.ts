import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';

/** Environment variables as a process gets them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** All that is wrong with a configuration, reported together. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Parses the environment once into a readonly object; throws one ConfigError that lists every mistake. */
export function parseEnv<S extends z.ZodRawShape>(
  shape: S,
  env: Env,
): Readonly<z.infer<z.ZodObject<S>>> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = z.object(shape).safeParse(present);
  if (parsed.success) return Object.freeze(parsed.data);
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`the configuration has mistakes:\n${lines.join('\n')}`);
}

/** A whole number within bounds; the unit belongs in the variable's name. */
export function integer(bounds: { min: number; max: number }) {
  return z.coerce.number().int().min(bounds.min).max(bounds.max);
}

/** A TCP port. */
export const port = () => integer({ min: 1, max: 65_535 });

/** `host:port` of a service. */
export const hostPort = () => z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'expected host:port');

/** A comma-separated list of `host:port`. */
export const hostPorts = () =>
  z
    .string()
    .regex(/^[^\s:/,]+:\d{1,5}(,[^\s:/,]+:\d{1,5})*$/, 'expected host:port,host:port…')
    .transform((text) => text.split(','));

/** A comma-separated list of IP addresses. */
export const ipAddresses = () =>
  z
    .string()
    .transform((text) => text.split(','))
    .refine((list) => list.every((address) => isIP(address) !== 0), 'expected address,address…');

/** The path of a file that holds a secret; the value is the file's trimmed content. */
export const secretFile = () =>
  z.string().transform((path, context) => {
    const secret = readSecret(path);
    if (secret === undefined || secret === '') {
      context.addIssue({ code: 'custom', message: 'the file is missing or empty' });
      return z.NEVER;
    }
    return secret;
  });

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

// Group may read: that is how Kubernetes hands secrets to an unprivileged process.
const FORBIDDEN_MODE = 0o037;
const PRIVATE_BYTES_MAX = 64 * 1024;

/**
 * The content of a file that only its owner may write and strangers may not read. Throws an Error
 * that says what is wrong with it.
 */
export function readPrivateFile(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) throw new Error('the file is missing');
  if (stats.size === 0) throw new Error('the file is empty');
  if (stats.size > PRIVATE_BYTES_MAX) throw new Error('the file is too large');
  // Windows has no such bits.
  if (process.platform !== 'win32' && (stats.mode & FORBIDDEN_MODE) !== 0) {
    throw new Error('others may read or change the file: chmod 600');
  }
  return readFileSync(path, 'utf8');
}

/** The path of a key's file, which has to be private; the value is the file's content. */
export const privateFile = () =>
  z.string().transform((path, context) => {
    try {
      return readPrivateFile(path);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });

/** Variables that every service has. */
export const commonShape = {
  NODE_ENV: z.enum(['production', 'development', 'test']).default('development'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LISTEN_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port(),
  /** Where connections of many hosts come from one address: what is bounded by host is not bounded there. */
  PROXY_ADDRESSES: ipAddresses().default([]),
};

/** Where Postgres is. */
export const postgresShape = {
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'expected postgres://…'),
};

/** Where Kafka is. */
export const kafkaShape = { KAFKA_BROKERS: hostPorts() };

/** Where the cluster's stores are. */
export const storesShape = { ...postgresShape, ...kafkaShape };

/** The secret that the services of a cluster share for their internal ports. */
export const internalShape = { INTERNAL_TOKEN_FILE: secretFile() };

/** Where the books are, and the secret that opens them. */
export const booksShape = { ...internalShape, BALANCE_INTERNAL_URL: hostPort() };

const tronAddress = () =>
  z.string().regex(/^T[1-9A-HJ-NP-Za-km-z]{33}$/, 'expected a TRON address');

/** What signatures are bound to. */
export const signingShape = { CHAIN_ID: z.coerce.bigint(), VAULT_ADDRESS: tronAddress() };

/** The tokens that the ledger takes. */
export const tokensShape = {
  TRC20_ADDRESS: tronAddress(),
  TRC10_ID: z.string().regex(/^\d{7,12}$/, 'expected a token id'),
};

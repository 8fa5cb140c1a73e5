import { z } from 'zod';
import {
  commonShape,
  type Env,
  hostPort,
  integer,
  internalShape,
  parseEnv,
  secretFile,
  storesShape,
} from '#libs/config';

/** Shortest operator token: shorter ones could be guessed between two lock-outs. */
const OPERATOR_TOKEN_LENGTH_MIN = 16;

/** Most services that one dashboard watches; each costs two requests per refresh. */
const SERVICES_MAX = 32;

const services = () =>
  z.string().transform((text, context) => {
    const parsed = servicesShape.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const detail = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    context.addIssue({
      code: 'custom',
      message: `expected a JSON object of name to http address: ${detail.join('; ').trim()}`,
    });
    return z.NEVER;
  });

// The addresses come from the operator's configuration only: the dashboard never fetches what a request names.
const servicesShape = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
    z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  )
  .refine((map) => Object.keys(map).length <= SERVICES_MAX, `more than ${SERVICES_MAX} services`);

const shape = {
  ...commonShape,
  ...storesShape,
  ...internalShape,
  OPERATOR_TOKEN_FILE: secretFile().refine(
    (token) => token.length >= OPERATOR_TOKEN_LENGTH_MIN,
    `the token has fewer than ${OPERATOR_TOKEN_LENGTH_MIN} characters`,
  ),
  SERVICES: services(),
  BALANCE_URL: hostPort(),
  AUCTION_URL: hostPort(),
  SETTLEMENT_URL: hostPort(),
  SETTLEMENT_INTERNAL_URL: hostPort(),
  PUBLIC_ORIGIN: z
    .string()
    .regex(/^https?:\/\/[^\s/]+$/, 'expected scheme://host without a path')
    .optional(),
  PROXY_HOPS: integer({ min: 0, max: 5 }).default(0),
  SESSION_HOURS: integer({ min: 1, max: 24 }).default(12),
};

/** Reads the admin service's configuration; throws one ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  const parsed = parseEnv(shape, env);
  return {
    nodeEnv: parsed.NODE_ENV,
    logLevel: parsed.LOG_LEVEL,
    host: parsed.LISTEN_HOST,
    httpPort: parsed.HTTP_PORT,
    databaseUrl: parsed.DATABASE_URL,
    kafkaBrokers: parsed.KAFKA_BROKERS,
    operatorToken: parsed.OPERATOR_TOKEN_FILE,
    internalToken: parsed.INTERNAL_TOKEN_FILE,
    services: parsed.SERVICES,
    balanceUrl: parsed.BALANCE_URL,
    auctionUrl: parsed.AUCTION_URL,
    settlementUrl: parsed.SETTLEMENT_URL,
    settlementInternalUrl: parsed.SETTLEMENT_INTERNAL_URL,
    /** Where browsers find the page when a proxy stands in front; https makes cookies Secure. */
    publicOrigin: parsed.PUBLIC_ORIGIN,
    /** Proxies in front whose X-Forwarded-For is believed. */
    proxyHops: parsed.PROXY_HOPS,
    sessionMs: parsed.SESSION_HOURS * 3_600_000,
  } as const;
}

/** The parsed configuration. */
export type AdminConfig = ReturnType<typeof loadConfig>;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import {
  booksShape,
  commonShape,
  type Env,
  integer,
  parseEnv,
  port,
  signingShape,
  storesShape,
} from '#libs/config';

/** Reads the auction service's configuration; throws a ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  return parseEnv(
    {
      ...commonShape,
      ...storesShape,
      ...signingShape,
      ...booksShape,
      GRPC_PORT: port(),
      ROUND_PERIOD_MS: integer({ min: 100, max: 3_600_000 }).default(10_000),
    },
    env,
  );
}

/** The auction service's configuration. */
export type AuctionConfig = ReturnType<typeof loadConfig>;

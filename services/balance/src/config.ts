import { z } from 'zod';
import {
  ConfigError,
  commonShape,
  type Env,
  integer,
  internalShape,
  parseEnv,
  port,
  signingShape,
  storesShape,
  tokensShape,
} from '#libs/config';

const units = (fallback: bigint) => z.coerce.bigint().min(0n).default(fallback);

/** Reads the balance service's configuration; throws a ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  const config = parseEnv(
    {
      ...commonShape,
      ...storesShape,
      ...signingShape,
      ...tokensShape,
      ...internalShape,
      GRPC_PORT: port(),
      INTERNAL_GRPC_PORT: port(),
      // How often a partition of the voucher log is booked under load: rarer is cheaper, and later.
      APPLY_EVERY_MS: integer({ min: 0, max: 5_000 }).default(400),
      // How long a silent replica keeps its partitions.
      KAFKA_SESSION_TIMEOUT_MS: integer({ min: 1_000, max: 60_000 }).default(10_000),
      DISPUTE_WINDOW_MS: integer({ min: 1_000, max: 30 * 86_400_000 }).default(600_000),
      WITHDRAWAL_MIN_UNITS: units(1_000n),
      WITHDRAWAL_MAX_UNITS: units(1_000_000_000_000n),
      WITHDRAWAL_FEE_UNITS: units(100n),
      WITHDRAWAL_CLAIM_FEE_UNITS: units(25n),
      // By day (UTC): of one account, and of all together.
      WITHDRAWAL_ACCOUNT_DAY_UNITS: units(10_000_000_000_000n),
      WITHDRAWAL_LEDGER_DAY_UNITS: units(1_000_000_000_000_000n),
      // How often settlement plans, and how much in one run: for telling when a withdrawal is due.
      SETTLEMENT_PERIOD_MS: integer({ min: 1_000, max: 7 * 86_400_000 }).default(60_000),
      RUN_PAYOUTS_MAX: integer({ min: 1, max: 100_000 }).default(10_000),
    },
    env,
  );
  assertWithdrawalTerms(config);
  return config;
}

function assertWithdrawalTerms(config: {
  readonly WITHDRAWAL_MIN_UNITS: bigint;
  readonly WITHDRAWAL_MAX_UNITS: bigint;
  readonly WITHDRAWAL_FEE_UNITS: bigint;
  readonly WITHDRAWAL_CLAIM_FEE_UNITS: bigint;
}): void {
  if (config.WITHDRAWAL_CLAIM_FEE_UNITS > config.WITHDRAWAL_FEE_UNITS) {
    throw new ConfigError('WITHDRAWAL_CLAIM_FEE_UNITS must not be above WITHDRAWAL_FEE_UNITS');
  }
  if (config.WITHDRAWAL_MIN_UNITS <= config.WITHDRAWAL_FEE_UNITS) {
    throw new ConfigError('WITHDRAWAL_MIN_UNITS must be above WITHDRAWAL_FEE_UNITS');
  }
  if (config.WITHDRAWAL_MAX_UNITS < config.WITHDRAWAL_MIN_UNITS) {
    throw new ConfigError('WITHDRAWAL_MAX_UNITS must not be below WITHDRAWAL_MIN_UNITS');
  }
}

/** The balance service's configuration. */
export type BalanceConfig = ReturnType<typeof loadConfig>;

import { z } from 'zod';
import {
  booksShape,
  commonShape,
  type Env,
  integer,
  parseEnv,
  port,
  postgresShape,
  signingShape,
  tokensShape,
} from '#libs/config';
import { nodesOf, nodesShape } from '#libs/tron';
import { keysOf, keysShape } from './keys.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Reads the settlement service's configuration; throws a ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  const parsed = parseEnv(
    {
      ...commonShape,
      ...postgresShape,
      ...signingShape,
      ...tokensShape,
      ...booksShape,
      GRPC_PORT: port(),
      INTERNAL_GRPC_PORT: port(),
      ...nodesShape,
      /** Off local chains one node alone is refused, unless it is the operator's own and this says `trust`. */
      TRON_ONE_NODE: z.enum(['refuse', 'trust']).default('refuse'),
      ...keysShape,
      /** Six fields, seconds first. */
      SETTLEMENT_CRON: z
        .string()
        .regex(/^\S+( \S+){4,5}$/, 'expected five or six cron fields')
        .default('0 * * * * *'),
      POLL_INTERVAL_MS: integer({ min: 10, max: 60_000 }).default(300),
      DEPOSIT_START_BLOCK: z.coerce.bigint().min(0n).optional(),
      TX_EXPIRATION_MS: integer({ min: 5_000, max: DAY_MS / 2 }).default(60_000),
      REBROADCAST_MS: integer({ min: 100, max: 600_000 }).default(5_000),
      /** How far the node's newest block may be off our clock while something is signed. More than a day: local chains only. */
      HEAD_SKEW_MAX_MS: integer({ min: 1_000, max: 3_650 * DAY_MS }).default(120_000),
      ATTEMPTS_MAX: integer({ min: 1, max: 100 }).default(5),
      FAILURES_MAX: integer({ min: 1, max: 100 }).default(3),
      /** The vault takes 200. A call of so many has never run on java-tron, which ends one after 80 ms and keeps its fee. */
      BATCH_RECIPIENTS_MAX: integer({ min: 1, max: 200 }).default(50),
      /** A batch of so many units or more waits for an operator; 10^13 units are 10^10 BTT. */
      APPROVAL_UNITS: z.coerce.bigint().min(1n).default(10_000_000_000_000n),
      RUN_PAYOUTS_MAX: integer({ min: 1, max: 100_000 }).default(10_000),
      /** Longest time between two epochs; 0: none are committed, and batches wait for none. */
      EPOCH_PERIOD_MS: integer({ min: 0, max: 30 * DAY_MS }).default(DAY_MS / 4),
      /** Shortest time between two epochs, whatever waits for them. */
      EPOCH_PAUSE_MS: integer({ min: 0, max: DAY_MS }).default(30_000),
      /** Committed epochs whose leaves are kept for proofs. */
      EPOCHS_KEPT: integer({ min: 1, max: 10_000 }).default(10),
      /** How long payouts can be claimed. The vault allows 1 to 366 days; a day less an hour stays to sign again. */
      CLAIM_WINDOW_MS: integer({ min: DAY_MS + HOUR_MS, max: 365 * DAY_MS }).default(30 * DAY_MS),
      IN_FLIGHT_MAX: integer({ min: 1, max: 5_000 }).default(256),
      ENERGY_BASE: integer({ min: 0, max: 10_000_000 }).default(400_000),
      ENERGY_PER_PAYOUT: integer({ min: 1_000, max: 1_000_000 }).default(70_000),
    },
    env,
  );
  return Object.freeze({ ...parsed, nodes: nodesOf(parsed), keys: keysOf(parsed) });
}

/** The settlement service's configuration. */
export type SettlementConfig = ReturnType<typeof loadConfig>;

import {
  commonShape,
  type Env,
  hostPort,
  integer,
  parseEnv,
  port,
  secretFile,
  signingShape,
  storesShape,
} from '#libs/config';
import { LEDGER_PARTITIONS } from '#libs/contracts';
import { isAddress } from '#libs/domain';

const shape = {
  ...commonShape,
  ...signingShape,
  VAULT_ADDRESS: signingShape.VAULT_ADDRESS.refine(isAddress, 'the checksum does not match'),
  KAFKA_BROKERS: storesShape.KAFKA_BROKERS,
  GRPC_PORT: port(),
  /** Partitions of the voucher log; the channels of the ledger are spread over them for good. */
  LEDGER_PARTITIONS: integer({ min: 1, max: 1024 }).default(LEDGER_PARTITIONS),
  BALANCE_INTERNAL_URL: hostPort(),
  INTERNAL_TOKEN_FILE: secretFile(),
  /** How long a flush waits for company. */
  FLUSH_WINDOW_MS: integer({ min: 0, max: 100 }).default(2),
};

/** This service's configuration, read once. */
export type Config = ReturnType<typeof loadConfig>;

/** Reads the environment; throws one ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  return parseEnv(shape, env);
}

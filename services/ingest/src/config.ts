import {
  booksShape,
  commonShape,
  type Env,
  integer,
  kafkaShape,
  parseEnv,
  port,
  signingShape,
} from '#libs/config';
import { LEDGER_PARTITIONS } from '#libs/contracts';
import { isAddress } from '#libs/domain';

const shape = {
  ...commonShape,
  ...kafkaShape,
  ...signingShape,
  ...booksShape,
  VAULT_ADDRESS: signingShape.VAULT_ADDRESS.refine(isAddress, 'the checksum does not match'),
  GRPC_PORT: port(),
  /** Partitions of the voucher log; the channels of the ledger are spread over them for good. */
  LEDGER_PARTITIONS: integer({ min: 1, max: 1024 }).default(LEDGER_PARTITIONS),
  /** Channels kept in memory, 100 to 300 bytes each; the others are asked for when they are paid. Enough for a million that are being paid on. */
  CHANNELS_IN_MEMORY_MAX: integer({ min: 1_024, max: 16_777_216 }).default(1_200_000),
  /** How long a flush waits for company. */
  FLUSH_WINDOW_MS: integer({ min: 0, max: 100 }).default(2),
};

/** This service's configuration, read once. */
export type Config = ReturnType<typeof loadConfig>;

/** Reads the environment; throws one ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  return parseEnv(shape, env);
}

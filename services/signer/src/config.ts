import { z } from 'zod';
import {
  commonShape,
  type Env,
  integer,
  parseEnv,
  port,
  privateFile,
  secretFile,
  signingShape,
  tokensShape,
} from '#libs/config';

const DAY_MS = 86_400_000;
const units = () => z.coerce.bigint().min(1n);

/** Reads the signer's configuration; throws a ConfigError that lists every mistake. */
export function loadConfig(env: Env) {
  return parseEnv(
    {
      ...commonShape,
      ...signingShape,
      ...tokensShape,
      GRPC_PORT: port(),
      KEYSTORE_FILE: privateFile(),
      /** Without it the password is asked for on the terminal. */
      KEYSTORE_PASSWORD_FILE: privateFile().optional(),
      /** Certificates of the authority that signs clients' certificates, of this server, and its key; PEM. */
      SIGNER_CA_FILE: secretFile(),
      SIGNER_CERT_FILE: secretFile(),
      SIGNER_KEY_FILE: privateFile(),
      /** Common name that a client's certificate must have. */
      SIGNER_CLIENT_NAME: z.string().min(1).max(64).default('settlement'),
      /** Folder of the journal; on a disk that survives a restart. */
      SIGNER_STATE_DIR: z.string().min(1),
      /** Nodes of the signer's own, to check reference blocks. */
      SIGNER_NODE_URLS: z.string().optional(),
      SIGNER_PAYEES_MAX: integer({ min: 1, max: 200 }).default(200),
      SIGNER_TX_UNITS_MAX: units(),
      SIGNER_WINDOW_MS: integer({ min: 60_000, max: 30 * DAY_MS }).default(DAY_MS),
      SIGNER_WINDOW_UNITS_MAX: units(),
      SIGNER_WINDOW_TX_MAX: integer({ min: 1, max: 1_000_000 }).default(10_000),
      SIGNER_FEE_LIMIT_MAX_SUN: z.coerce
        .bigint()
        .min(0n)
        .max(15_000_000_000n)
        .default(5_000_000_000n),
      SIGNER_LIFE_MAX_MS: integer({ min: 5_000, max: DAY_MS }).default(600_000),
      SIGNER_ATTEMPTS_MAX: integer({ min: 1, max: 100 }).default(10),
    },
    env,
  );
}

/** The signer's configuration. */
export type SignerConfig = ReturnType<typeof loadConfig>;

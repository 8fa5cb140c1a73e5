import type { Logger } from '#libs/observability';
import { connectChain, type KeySigner, openKeystore, passwordOf } from '#libs/tron';
import { referenceCheck } from './application/reference-check.js';
import { type ChainCheck, SignService } from './application/sign.service.js';
import type { SignerConfig } from './config.js';
import { History } from './domain/history.js';
import type { Policy, SignerPlace } from './domain/policy.js';
import { JournalRepository } from './repositories/journal.repository.js';

const NODE_TIMEOUT_MS = 5_000;
const NODE_LAG_MAX_MS = 30_000n;

/** Joins the parts: opens the keystore and the journal. Throws when either cannot be opened. */
export async function createParts(config: SignerConfig, logger: Logger, clock = machineClock) {
  const password = await passwordOf(config.KEYSTORE_PASSWORD_FILE);
  const signer = await openKeystore(config.KEYSTORE_FILE, password);
  const place = placeOf(config, signer);
  const { journal, records } = await JournalRepository.open(config.SIGNER_STATE_DIR);
  const policy = policyOf(config);
  const history = new History(policy.windowMs);
  for (const record of records) history.add(record);
  const chainCheck = chainCheckOf(config, logger);
  const service = new SignService(
    signer,
    place,
    policy,
    history,
    journal,
    chainCheck,
    clock,
    logger,
  );
  logger.info({ address: place.owner, signed: records.length }, 'the signer is open');
  return { place, journal, service };
}

/** Everything the signer is made of. */
export type Parts = Awaited<ReturnType<typeof createParts>>;

const machineClock = () => BigInt(Date.now());

function placeOf(config: SignerConfig, signer: KeySigner): SignerPlace {
  return {
    chainId: config.CHAIN_ID,
    owner: signer.address,
    vault: config.VAULT_ADDRESS,
    trc20: config.TRC20_ADDRESS,
    trc10Id: config.TRC10_ID,
  };
}

function policyOf(config: SignerConfig): Policy {
  return {
    payeesMax: config.SIGNER_PAYEES_MAX,
    transactionUnitsMax: config.SIGNER_TX_UNITS_MAX,
    windowMs: BigInt(config.SIGNER_WINDOW_MS),
    windowUnitsMax: config.SIGNER_WINDOW_UNITS_MAX,
    windowTransactionsMax: config.SIGNER_WINDOW_TX_MAX,
    feeLimitMaxSun: config.SIGNER_FEE_LIMIT_MAX_SUN,
    lifeMaxMs: BigInt(config.SIGNER_LIFE_MAX_MS),
    attemptsMax: config.SIGNER_ATTEMPTS_MAX,
  };
}

function chainCheckOf(config: SignerConfig, logger: Logger): ChainCheck {
  if (config.SIGNER_NODE_URLS === undefined) {
    logger.warn('SIGNER_NODE_URLS is not set: the chain of a transaction is taken on trust');
    return async () => undefined;
  }
  const urls = config.SIGNER_NODE_URLS.split(',');
  const nodes = urls.map((url) => ({ url: url.trim(), timeoutMs: NODE_TIMEOUT_MS }));
  return referenceCheck(connectChain(nodes, { lagMaxMs: NODE_LAG_MAX_MS }), config.CHAIN_ID);
}

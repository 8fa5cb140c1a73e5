import { LEDGER_PARTITIONS } from '#libs/contracts';
import type { Database } from '#libs/database';
import { Digests, LIMITS } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { AdvanceWithdrawalService } from './application/advance-withdrawal.service.js';
import { ApplyMatchesService } from './application/apply-matches.service.js';
import { ApplyVouchersService } from './application/apply-vouchers.service.js';
import { ChannelsService } from './application/channels.service.js';
import type { Clock } from './application/clock.js';
import { CommitTicksService } from './application/commit-ticks.service.js';
import { DepositsService } from './application/deposits.service.js';
import { HoldsService } from './application/holds.service.js';
import { LiabilitiesService } from './application/liabilities.service.js';
import { NetworkService } from './application/network.service.js';
import { QuoteWithdrawalService } from './application/quote-withdrawal.service.js';
import { ResolveSuspenseService } from './application/resolve-suspense.service.js';
import { SealOperationsService } from './application/seal-operations.service.js';
import { SessionKeysService } from './application/session-keys.service.js';
import { SignersService } from './application/signers.service.js';
import { StatementsService } from './application/statements.service.js';
import { TotalsService } from './application/totals.service.js';
import { TransfersService } from './application/transfers.service.js';
import { WatchAccountsService } from './application/watch-accounts.service.js';
import { WithdrawalsService } from './application/withdrawals.service.js';
import type { BalanceConfig } from './config.js';
import type { Repositories } from './repositories.js';

/** What the use cases of this service are made from. */
export type Parts = {
  readonly config: BalanceConfig;
  readonly database: Database;
  readonly repositories: Repositories;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** All use cases, wired. */
export function createUseCases(parts: Parts) {
  const { config, database, repositories: at, clock, logger } = parts;
  const digests = new Digests({
    chainId: config.CHAIN_ID,
    vaultAddress: config.VAULT_ADDRESS,
  });
  const signers = new SignersService(at.accounts, at.sessionKeys, digests, clock);
  const common = { database, ...at, signers, digests, clock };
  const context = { digests, clock };
  const terms = withdrawalTerms(config);
  return {
    signers,
    network: new NetworkService(networkFacts(config), clock),
    statements: new StatementsService(common),
    watches: new WatchAccountsService(at.statements, logger),
    totals: new TotalsService(at.totals, logger),
    transfers: new TransfersService(
      database,
      at.accounts,
      at.books,
      at.transfers,
      signers,
      context,
    ),
    channels: new ChannelsService({
      ...common,
      disputeWindowMs: BigInt(config.DISPUTE_WINDOW_MS),
    }),
    sessionKeys: new SessionKeysService(common),
    ticks: new CommitTicksService(common),
    holds: new HoldsService(database, at.books, at.holds, signers, context),
    suspense: new ResolveSuspenseService(common),
    deposits: new DepositsService(database, at.accounts, at.books, at.deposits, at.outbox, clock),
    withdrawals: new WithdrawalsService({ ...common, terms }),
    quotes: new QuoteWithdrawalService({ ...common, terms }),
    advance: new AdvanceWithdrawalService({ ...common, pace: terms.pace }),
    vouchers: new ApplyVouchersService({ ...common, logger }),
    liabilities: new LiabilitiesService(at.liabilities, at.chain, clock),
    sealing: new SealOperationsService(database, at.chain, clock),
    matches: new ApplyMatchesService({ ...common, logger }),
  };
}

/** What {@link createUseCases} returns. */
export type UseCases = ReturnType<typeof createUseCases>;

function withdrawalTerms(config: BalanceConfig) {
  return {
    limits: {
      minUnits: config.WITHDRAWAL_MIN_UNITS,
      maxUnits: config.WITHDRAWAL_MAX_UNITS,
      feeUnits: config.WITHDRAWAL_FEE_UNITS,
      claimFeeUnits: config.WITHDRAWAL_CLAIM_FEE_UNITS,
      accountDayUnits: config.WITHDRAWAL_ACCOUNT_DAY_UNITS,
      ledgerDayUnits: config.WITHDRAWAL_LEDGER_DAY_UNITS,
    },
    pace: {
      periodMs: BigInt(config.SETTLEMENT_PERIOD_MS),
      payoutsPerRun: BigInt(config.RUN_PAYOUTS_MAX),
    },
    ownAddresses: [config.VAULT_ADDRESS, config.TRC20_ADDRESS],
  };
}

function networkFacts(config: BalanceConfig) {
  return {
    chainId: config.CHAIN_ID,
    vaultAddress: config.VAULT_ADDRESS,
    trc20Address: config.TRC20_ADDRESS,
    trc10Id: config.TRC10_ID,
    partitions: LEDGER_PARTITIONS,
    disputeWindowMs: BigInt(config.DISPUTE_WINDOW_MS),
    withdrawalMinUnits: config.WITHDRAWAL_MIN_UNITS,
    withdrawalMaxUnits: config.WITHDRAWAL_MAX_UNITS,
    withdrawalFeeUnits: config.WITHDRAWAL_FEE_UNITS,
    withdrawalAccountDayUnits: config.WITHDRAWAL_ACCOUNT_DAY_UNITS,
    sessionKeysMax: LIMITS.sessionKeysMax,
    sessionKeyLifeMaxMs: LIMITS.sessionKeyLifeMaxMs,
  };
}

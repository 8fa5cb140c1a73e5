import { Database } from '#libs/database';
import { Digests } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { connectChain, type Signer } from '#libs/tron';
import { ApprovalService } from './application/approval.service.js';
import { BatchDriverService, type Clearance } from './application/batch-driver.service.js';
import { BatchSignerService } from './application/batch-signer.service.js';
import { ClaimDriverService } from './application/claim-driver.service.js';
import { ClaimProofsService } from './application/claim-proofs.service.js';
import { type Clock, systemClock } from './application/clock.js';
import { DepositBookingService } from './application/deposit-booking.service.js';
import { DepositResolutionService } from './application/deposit-resolution.service.js';
import { DepositWatcherService } from './application/deposit-watcher.service.js';
import { DraftService } from './application/draft.service.js';
import { EpochDriverService } from './application/epoch-driver.service.js';
import { EpochMakerService } from './application/epoch-maker.service.js';
import { EpochProofsService } from './application/epoch-proofs.service.js';
import { ExplanationService } from './application/explanation.service.js';
import { PauseService } from './application/pause.service.js';
import { type ChainPlace, ownAddresses } from './application/ports.js';
import { SettlementRunService } from './application/settlement-run.service.js';
import { StatusService } from './application/status.service.js';
import { VaultCallService } from './application/vault-call.service.js';
import { VaultCheckService } from './application/vault-check.service.js';
import { WalletCheckService } from './application/wallet-check.service.js';
import { WithdrawalIntakeService } from './application/withdrawal-intake.service.js';
import { WithdrawalReportService } from './application/withdrawal-report.service.js';
import type { SettlementConfig } from './config.js';
import { BooksClient } from './grpc/books.client.js';
import { clearSigner } from './keys.js';
import { ApprovalRepository } from './repositories/approval.repository.js';
import { BatchRepository } from './repositories/batch.repository.js';
import { BatchStepRepository } from './repositories/batch-step.repository.js';
import { ClaimRepository } from './repositories/claim.repository.js';
import { DepositRepository } from './repositories/deposit.repository.js';
import { EpochRepository } from './repositories/epoch.repository.js';
import { EpochProofRepository } from './repositories/epoch-proof.repository.js';
import { EpochStepRepository } from './repositories/epoch-step.repository.js';
import { ExplanationRepository } from './repositories/explanation.repository.js';
import { ForeignTokenRepository } from './repositories/foreign-token.repository.js';
import { HeldRepository } from './repositories/held.repository.js';
import { HotWalletRepository } from './repositories/hot-wallet.repository.js';
import { LeaderRepository } from './repositories/leader.repository.js';
import { PayoutRepository } from './repositories/payout.repository.js';
import { ReleaseStepRepository } from './repositories/release-step.repository.js';
import { ResolutionRepository } from './repositories/resolution.repository.js';
import { ScanRepository } from './repositories/scan.repository.js';
import { StrandedRepository } from './repositories/stranded.repository.js';

const SCAN_LAG_MAX_BLOCKS = 20n;

/** What leads out of the process: stores, chain, ledger. */
function createConnections(config: SettlementConfig, signer: Signer, clock: Clock) {
  const connection = { url: config.DATABASE_URL, role: 'swarmledger_settlement' } as const;
  const name = 'swarmledger-settlement';
  const database = new Database({ ...connection, applicationName: name, connectionsMax: 12 });
  const leader = new LeaderRepository(
    new Database({ ...connection, applicationName: `${name}-leader`, connectionsMax: 1 }),
  );
  const chain = connectChain(config.nodes, { lagMaxMs: BigInt(config.TRON_LAG_MAX_MS) });
  const place: ChainPlace = {
    chainId: config.CHAIN_ID,
    vault: config.VAULT_ADDRESS,
    trc20: config.TRC20_ADDRESS,
    trc10Id: config.TRC10_ID,
    hotWallet: signer.address,
  };
  const books = new BooksClient(config.BALANCE_INTERNAL_URL, config.INTERNAL_TOKEN_FILE);
  return { database, leader, chain, signer, place, books, clock };
}

/** What reads and writes the tables. */
function createRepositories(database: Database) {
  return {
    scans: new ScanRepository(database),
    deposits: new DepositRepository(database),
    payouts: new PayoutRepository(database),
    batches: new BatchRepository(database),
    approvalRows: new ApprovalRepository(database),
    steps: new BatchStepRepository(database),
    claims: new ClaimRepository(database),
    releaseSteps: new ReleaseStepRepository(database),
    epochs: new EpochRepository(database),
    epochSteps: new EpochStepRepository(database),
    epochProofs: new EpochProofRepository(database),
    stranded: new StrandedRepository(database),
    held: new HeldRepository(database),
    resolutions: new ResolutionRepository(database),
    explanationRows: new ExplanationRepository(database),
    foreignTokens: new ForeignTokenRepository(database),
    hotWallets: new HotWalletRepository(database),
  };
}

/** What signs and drives batches. */
function createDriver(
  config: SettlementConfig,
  logger: Logger,
  outside: ReturnType<typeof createConnections>,
  { steps, scans, epochs }: ReturnType<typeof createRepositories>,
) {
  const { chain, place, signer, clock } = outside;
  const wallet = new WalletCheckService(chain, place, () => chain.disagreement);
  const terms = {
    expirationMs: BigInt(config.TX_EXPIRATION_MS),
    energyBase: BigInt(config.ENERGY_BASE),
    energyPerPayout: BigInt(config.ENERGY_PER_PAYOUT),
    claimWindowMs: BigInt(config.CLAIM_WINDOW_MS),
  };
  const batchSigner = new BatchSignerService(steps, signer, place, terms, clock);
  const policy = {
    attemptsMax: config.ATTEMPTS_MAX,
    rebroadcastMs: BigInt(config.REBROADCAST_MS),
    failuresMax: config.FAILURES_MAX,
    inFlightMax: config.IN_FLIGHT_MAX,
    scanLagMaxBlocks: SCAN_LAG_MAX_BLOCKS,
    headSkewMaxMs: BigInt(config.HEAD_SKEW_MAX_MS),
  };
  const driver = new BatchDriverService(
    chain,
    steps,
    scans,
    wallet,
    batchSigner,
    config.EPOCH_PERIOD_MS === 0 ? EVERYTHING : epochs,
    policy,
    clock,
    logger,
  );
  return { wallet, driver, terms };
}

/** Without epochs no batch waits for one. */
const EVERYTHING: Clearance = { cleared: async (batchNos) => new Set(batchNos) };

/** What makes, sends and proves epochs, and what follows claim sets. */
function createEpochs(
  config: SettlementConfig,
  logger: Logger,
  outside: ReturnType<typeof createConnections>,
  repositories: ReturnType<typeof createRepositories>,
  wallet: WalletCheckService,
) {
  const { chain, place, signer, books, clock } = outside;
  const { epochs, epochProofs, claims, steps } = repositories;
  const vaultCheck = new VaultCheckService(chain, place);
  const maker = new EpochMakerService(epochs, books, vaultCheck, clock, logger, config.EPOCHS_KEPT);
  const policy = {
    periodMs: BigInt(config.EPOCH_PERIOD_MS),
    pauseMs: BigInt(config.EPOCH_PAUSE_MS),
    attemptsMax: config.ATTEMPTS_MAX,
    rebroadcastMs: BigInt(config.REBROADCAST_MS),
  };
  const expirationMs = BigInt(config.TX_EXPIRATION_MS);
  const calls = new VaultCallService(chain, wallet, signer, place, expirationMs, clock);
  const digests = new Digests({ chainId: config.CHAIN_ID, vaultAddress: config.VAULT_ADDRESS });
  return {
    vaultCheck,
    epochDriver: new EpochDriverService(chain, repositories, maker, calls, policy, clock, logger),
    proofs: new EpochProofsService(epochs, epochProofs, digests, clock),
    claimProofs: new ClaimProofsService(claims, steps, digests, clock),
    claimDriver: new ClaimDriverService(chain, repositories, calls, policy, clock, logger),
  };
}

/** Joins the parts of the service; tests make them the same way, again and again on the same database. */
export function createParts(
  config: SettlementConfig,
  logger: Logger,
  signer: Signer = clearSigner(config.keys),
  clock: Clock = systemClock,
) {
  const outside = createConnections(config, signer, clock);
  const repositories = createRepositories(outside.database);
  const { chain, place, books, leader } = outside;
  const { scans, deposits, payouts, batches, approvalRows, foreignTokens } = repositories;
  const { wallet, driver, terms } = createDriver(config, logger, outside, repositories);
  const epochParts = createEpochs(config, logger, outside, repositories, wallet);
  const booking = new DepositBookingService(deposits, books, clock, logger);
  const intake = new WithdrawalIntakeService(payouts, books, place, clock, logger);
  const runs = new SettlementRunService(
    payouts,
    batches,
    intake,
    books,
    place,
    {
      payoutsMax: config.RUN_PAYOUTS_MAX,
      recipientsMax: config.BATCH_RECIPIENTS_MAX,
      approvalUnits: config.APPROVAL_UNITS,
    },
    () => leader.isLeader(),
    clock,
    logger,
  );
  const pause = new PauseService(scans, [driver, epochParts.epochDriver, epochParts.claimDriver]);
  return {
    ...outside,
    ...repositories,
    ...epochParts,
    wallet,
    driver,
    intake,
    watcher: new DepositWatcherService(
      chain,
      scans,
      repositories.hotWallets,
      epochParts.vaultCheck,
      place,
      clock,
      config.DEPOSIT_START_BLOCK,
    ),
    booking,
    depositResolutions: new DepositResolutionService(
      repositories.resolutions,
      deposits,
      booking,
      ownAddresses(place),
      clock,
      logger,
    ),
    reports: new WithdrawalReportService(payouts, books, logger),
    runs,
    drafts: new DraftService(chain, wallet, runs, pause, terms),
    approvals: new ApprovalService(approvalRows, batches, clock, logger),
    explanations: new ExplanationService(repositories.explanationRows, clock, logger),
    status: new StatusService(
      chain,
      wallet,
      { scans, deposits, payouts, batches, approvals: approvalRows, foreignTokens },
      pause,
      place,
    ),
  };
}

/** Everything the service is made of. */
export type Parts = ReturnType<typeof createParts>;

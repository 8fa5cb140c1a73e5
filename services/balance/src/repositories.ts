import { LEDGER_PARTITIONS } from '#libs/contracts';
import type { Database } from '#libs/database';
import { AccountRepository } from './repositories/account.repository.js';
import { BooksRepository } from './repositories/books.repository.js';
import { BundleRepository } from './repositories/bundle.repository.js';
import { ChainRepository } from './repositories/chain.repository.js';
import { ChannelRepository } from './repositories/channel.repository.js';
import { DepositRepository } from './repositories/deposit.repository.js';
import { FlushRepository } from './repositories/flush.repository.js';
import { HoldRepository } from './repositories/hold.repository.js';
import { LiabilityRepository } from './repositories/liability.repository.js';
import { LogRepository } from './repositories/log.repository.js';
import { OutboxRepository } from './repositories/outbox.repository.js';
import { SessionKeyRepository } from './repositories/session-key.repository.js';
import { StatementRepository } from './repositories/statement.repository.js';
import { TickCommitmentRepository } from './repositories/tick-commitment.repository.js';
import { TotalsRepository } from './repositories/totals.repository.js';
import { TransferRepository } from './repositories/transfer.repository.js';
import { WithdrawalRepository } from './repositories/withdrawal.repository.js';
import { WithdrawalDayRepository } from './repositories/withdrawal-day.repository.js';

/** All tables of the ledger behind their repositories. */
export function createRepositories(database: Database) {
  const chain = new ChainRepository();
  return {
    accounts: new AccountRepository(database),
    books: new BooksRepository(chain),
    bundles: new BundleRepository(),
    chain,
    channels: new ChannelRepository(database, LEDGER_PARTITIONS),
    commitments: new TickCommitmentRepository(),
    deposits: new DepositRepository(),
    flushes: new FlushRepository(),
    holds: new HoldRepository(database),
    liabilities: new LiabilityRepository(database),
    log: new LogRepository(database),
    outbox: new OutboxRepository(database),
    sessionKeys: new SessionKeyRepository(database),
    statements: new StatementRepository(database),
    totals: new TotalsRepository(database, chain),
    transfers: new TransferRepository(database),
    withdrawalDays: new WithdrawalDayRepository(),
    withdrawals: new WithdrawalRepository(database),
  };
}

/** What {@link createRepositories} returns. */
export type Repositories = ReturnType<typeof createRepositories>;

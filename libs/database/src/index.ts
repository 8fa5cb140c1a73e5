export { bytea, int8 } from './columns.js';
export {
  Database,
  type DatabaseOptions,
  type DatabaseRole,
  type Drizzle,
  type Transaction,
} from './database.js';
export { TransactionLostError } from './guarded-transaction.js';
export { type LogSchema, type LogSource, LogSourceStore } from './log-source.js';
export { migrate } from './migrations.js';
export { type Outbox, type OutboxRound, relayOutbox } from './outbox.js';
export * as adminTables from './schema/admin.table.js';
export * as ledgerTables from './schema/ledger.table.js';
export * as marketTables from './schema/market.table.js';
export * as settlementTables from './schema/settlement.table.js';
export type { QuerySql, Sql, SqlFragment, TransactionSql } from './sql.js';

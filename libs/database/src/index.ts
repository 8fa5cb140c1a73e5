export { bytea, int8 } from './columns.js';
export {
  Database,
  type DatabaseOptions,
  type DatabaseRole,
  type Drizzle,
  type Sql,
  type Transaction,
  type TransactionSql,
} from './database.js';
export { migrate } from './migrations.js';
export * as adminTables from './schema/admin.table.js';
export * as ledgerTables from './schema/ledger.table.js';
export * as marketTables from './schema/market.table.js';
export * as settlementTables from './schema/settlement.table.js';

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
export * as ledgerTables from './schema/ledger.table.js';

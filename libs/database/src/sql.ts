import type postgres from 'postgres';

/** The raw client: tagged templates, int8 as bigint. */
export type Sql = postgres.Sql<{ bigint: bigint }>;

/** The raw client inside a transaction. */
export type TransactionSql = postgres.TransactionSql<{ bigint: bigint }>;

/** The raw client, inside a transaction or not. */
export type QuerySql = postgres.ISql<{ bigint: bigint }>;

/** A query, or a part of one, that becomes part of another. */
export type SqlFragment = postgres.Fragment;

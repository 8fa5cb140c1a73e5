import type { TransactionSql } from '#libs/database';
import type { ChainTransaction } from '#libs/tron';
import { agree, differ } from '../difference.js';

/** What settlement noted of a transaction of the hot wallet when it read its block. */
export type OwnRow = {
  readonly txid: Buffer;
  readonly blockNumber: bigint;
  readonly succeeded: boolean;
  readonly result: string;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
};

/** Columns of an {@link OwnRow} for a select over `settlement.own_transactions o`. */
export function ownColumns(sql: TransactionSql) {
  return sql`o.txid, o.block_number as "blockNumber", o.succeeded, o.result,
    o.energy_used as "energyUsed", o.fee_sun as "feeSun"`;
}

/** Throws a DifferenceError unless the chain has the transaction in that block, with that end. */
export function ownAgrees(own: OwnRow, found: ChainTransaction | undefined): ChainTransaction {
  const row = { table: 'settlement.own_transactions', key: own.txid.toString('hex') };
  if (found === undefined) differ(row, `the transaction in block ${own.blockNumber}`, 'none');
  agree(row, 'success', found.succeeded, own.succeeded);
  agree(row, 'result', found.result, own.result);
  agree(row, 'energy', found.energyUsed, own.energyUsed);
  agree(row, 'fee in sun', found.feeSun, own.feeSun);
  return found;
}

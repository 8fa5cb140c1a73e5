import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql, TransactionSql } from './sql.js';

/** Codes that come with the end of a connection: the client's own, the system's, the server's. */
const LOSSES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNRESET',
  'EPIPE',
  '25P03', // idle in a transaction for too long
  '57P01', // the server is told to stop
  '57P02', // the server crashes
]);
/** How long after such an error the connection may still look open. */
const LOSS_SEEN_MS = 1_000;

/** Thrown by statements of a transaction whose connection is gone. */
export class TransactionLostError extends Error {
  override readonly name = 'TransactionLostError';
}

/**
 * Runs work in a transaction, and nothing of it outside. The client itself rejects a transaction whose
 * connection closes, but lets the work go on: its next statements, the rollback and even the commit would
 * reach whatever the connection has become since. Here they are refused, and nothing is sent.
 */
export async function runGuarded<T>(
  pool: Sql,
  options: string,
  work: (sql: TransactionSql) => Promise<T>,
): Promise<T> {
  const state = { isOver: false };
  try {
    return (await pool.begin(options, async (sql) => {
      try {
        const result = await work(guard(sql, state));
        return state.isOver ? await nothingMore() : result;
      } catch (error) {
        if (isLoss(error)) await sleep(LOSS_SEEN_MS, undefined, { ref: false });
        if (state.isOver) return nothingMore();
        throw error;
      }
    })) as T;
  } finally {
    state.isOver = true;
  }
}

// The transaction was answered for already; settling would make the client send its end.
function nothingMore(): Promise<never> {
  return new Promise(() => undefined);
}

function isLoss(error: unknown): boolean {
  if (error instanceof TransactionLostError) return true;
  return error instanceof Error && 'code' in error && LOSSES.has(String(error.code));
}

function guard(sql: TransactionSql, state: { readonly isOver: boolean }): TransactionSql {
  const check = () => {
    if (state.isOver) throw new TransactionLostError('the connection of this transaction is gone');
  };
  return new Proxy(sql, {
    apply(target, self, values) {
      check();
      return Reflect.apply(target, self, values);
    },
    get(target, name, self) {
      if (name === 'unsafe' || name === 'savepoint') check();
      return Reflect.get(target, name, self);
    },
  });
}

import { TronNodeError } from '#libs/tron';
import { UsageError } from './options.js';

const CHAIN_HINT =
  'Is it running (npm start)? TRON_NODE_URL, or TRON_NODE_URLS for several, names another one.';
const DATABASE_HINT = 'Is it running (npm start)? DATABASE_URL names another one.';
/** Postgres has the tables of another program, or none. */
const NO_TABLES = new Set(['42P01', '3F000', '42703']);

/** Why nothing could be checked, and what to do about it: one or two lines for people. */
export function explain(error: unknown): string {
  const told = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError) return `${told}\nSee npm run verify -- --help.`;
  if (error instanceof TronNodeError) return chainTrouble(error);
  const code = codeOf(error);
  if (NO_TABLES.has(code)) {
    return `the database is not one of a ledger of this version: ${told}\nDATABASE_URL names another one; npm start brings its tables up to date.`;
  }
  // SQLSTATE 28 is a refused login, 3D an unknown database; what has no SQLSTATE never reached Postgres.
  if (/^(28|3D)/.test(code)) return `the database refuses us: ${told}\nIs DATABASE_URL right?`;
  if (/^(E[A-Z]+|CONN[A-Z_]+|57P03)$/.test(code)) {
    return `the database cannot be reached: ${told}\n${DATABASE_HINT}`;
  }
  return `it could not be checked: ${told}`;
}

function chainTrouble({ failure, message }: TronNodeError): string {
  switch (failure) {
    case 'disagreement':
    case 'contradiction':
    case 'malformed':
      return `the chain cannot be believed: ${message}\nFind out which node is wrong, then try again without it.`;
    case 'refused':
      return `the chain refuses to answer: ${message}\nIs VAULT_ADDRESS the vault on this chain?`;
    case 'stale':
    case 'overloaded':
      return `the chain does not answer now: ${message}\nTry again later, or name other nodes (TRON_NODE_URLS).`;
    case 'unreachable':
    case 'timeout':
      return `the chain does not answer: ${message}\n${CHAIN_HINT}`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

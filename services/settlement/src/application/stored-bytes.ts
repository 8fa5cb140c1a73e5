import type { Logger } from '#libs/observability';
import { type TronChain, TronNodeError } from '#libs/tron';
import type { Observation } from '../domain/step.js';
import type { OpenAttemptColumns } from '../repositories/attempt-steps.js';
import type { Cursor } from '../repositories/scan.repository.js';

/** What the chain shows of an open attempt. `vaultPaidBy`: of a batch, the transaction that the vault has logged for it. */
export async function observe(
  chain: TronChain,
  row: OpenAttemptColumns,
  cursor: Cursor,
  vaultPaidBy?: string,
): Promise<Observation> {
  const { txid, solidSucceeded, solidResult } = row;
  const facts = {
    vaultPaidBy,
    solid:
      solidSucceeded === null
        ? undefined
        : { succeeded: solidSucceeded, result: solidResult ?? '' },
    scannedUntilMs: cursor.lastTimestampMs,
  };
  const nothing = { ...facts, includedIn: undefined, claimedSolid: false };
  if (facts.vaultPaidBy !== undefined || facts.solid !== undefined || txid === null) return nothing;
  const id = txid.toString('hex');
  if (cursor.lastTimestampMs > (row.expirationMs ?? 0n)) {
    return { ...nothing, claimedSolid: await chain.isSolidified(id) };
  }
  if ((row.broadcasts ?? 0) === 0) return nothing;
  return { ...nothing, includedIn: (await chain.inclusion(id))?.blockNumber };
}

/**
 * Sends stored bytes, never others; returns what a node said when it refused their content, else nothing. What the node
 * answers decides nothing about money: a refusal counts only once the transaction is proven dead.
 *
 * @param thing names what they are for in the log
 */
export async function send(
  chain: TronChain,
  logger: Logger,
  signed: Buffer,
  thing: Readonly<Record<string, bigint>>,
): Promise<string> {
  try {
    const answer = await chain.broadcast(signed.toString('hex'));
    if (answer.accepted) return '';
    const { code, message: told } = answer;
    logger.warn({ ...thing, code, told }, 'a broadcast was refused');
    return code === 'CONTRACT_VALIDATE_ERROR' ? told || code : '';
  } catch (error) {
    if (!(error instanceof TronNodeError)) throw error;
    // It may or may not have arrived: no different from an answer that cannot be trusted.
    logger.warn({ ...thing, err: error }, 'a broadcast got no answer');
    return '';
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type DecodedTransaction, type TronChain, TronNodeError } from '#libs/tron';
import type { ChainCheck } from './sign.service.js';

const RING = 65_536n;
const TRIES = 5;
const PAUSE_MS = 1_000;

/**
 * Asks a node of the signer's own whether the reference block is a solidified block of its chain.
 * TRON's bytes name no chain; a block id is what ties them to one.
 */
export function referenceCheck(chain: TronChain, chainId: bigint): ChainCheck {
  let checked = false;
  const check: ChainCheck = async (transaction) => {
    if (!checked) {
      const actual = await chain.chainId();
      if (actual !== chainId) return `the signer's own node is on chain ${actual}`;
      checked = true;
    }
    // The node may be a block behind the one that settlement asked.
    for (let attempt = 1; attempt < TRIES; attempt++) {
      if (await refersTo(chain, transaction)) return undefined;
      await sleep(PAUSE_MS);
    }
    return 'its reference block is no solidified block of this chain';
  };
  return async (transaction) => {
    try {
      return await check(transaction);
    } catch (error) {
      if (!(error instanceof TronNodeError)) throw error;
      return `its chain cannot be checked: ${error.message}`;
    }
  };
}

async function refersTo(chain: TronChain, transaction: DecodedTransaction): Promise<boolean> {
  const { number: top } = await chain.solidHead();
  const back = (top - BigInt(transaction.referenceBytes)) % RING;
  const number = top - (back < 0n ? back + RING : back);
  if (number < 0n) return false;
  const block = await chain.solidRef(number);
  return block?.id.slice(16, 32) === transaction.referenceHash;
}

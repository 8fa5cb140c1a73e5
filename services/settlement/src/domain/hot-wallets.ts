import type { Address } from '#libs/domain';

/** A hot wallet, and the block as of which it was in use. */
export type HotWallet = { readonly address: Address; readonly sinceBlock: bigint };

/** Hot wallets of before, and the last block in which each of them was ours. */
export type FormerWallets = ReadonlyMap<Address, bigint>;

/** A block is solidified when more than two thirds of the 27 witnesses have built on it. */
const SOLIDIFIES_WITHIN_BLOCKS = 27n;

/** The newest block, which no node can make later than it may be where the newest solidified one is known. */
export function newestBlock(solidBlock: bigint, headBlock: bigint): bigint {
  const most = solidBlock + SOLIDIFIES_WITHIN_BLOCKS;
  if (headBlock < solidBlock) return solidBlock;
  return headBlock < most ? headBlock : most;
}

/** Those that are not today's: each was in use until the one after it was. */
export function formerWallets(wallets: readonly HotWallet[], today: Address): FormerWallets {
  const former = new Map<Address, bigint>();
  for (const [at, { address }] of wallets.entries()) {
    const next = wallets[at + 1];
    if (address !== today && next !== undefined) former.set(address, next.sinceBlock);
  }
  return former;
}

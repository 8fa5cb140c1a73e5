import type { Address } from '#libs/domain';

/** One of the keys that may sign for an account. */
export type KeyPolicy = {
  readonly threshold: bigint;
  readonly keys: readonly { readonly address: Address; readonly weight: bigint }[];
};

/** What the solidified chain says of the hot wallet and the vault. */
export type WalletFacts = {
  readonly hotWallet: Address;
  /** Undefined: the account does not exist on chain. */
  readonly trxSun: bigint | undefined;
  readonly owner: KeyPolicy | undefined;
  readonly actives: readonly KeyPolicy[];
  readonly vaultOperator: Address;
  readonly vault: VaultFacts;
};

/** What the vault says of itself, times in seconds of its chain. */
export type VaultFacts = {
  readonly paused: boolean;
  /** 0 while the exit is not open. */
  readonly closedAt: bigint;
  /** Last second in which it pays without a newer epoch. */
  readonly payoutsUntil: bigint;
  /** Time of the block that all this is of. */
  readonly now: bigint;
};

/** Why no payout may be signed: the hot wallet has done what is not on record, and nobody has explained it; or undefined. */
export function unexplainedProblem(found: {
  readonly count: bigint;
  /** The first of them, hex. */
  readonly txid: string | null;
}): string | undefined {
  if (found.count === 0n) return undefined;
  return `the hot wallet has sent ${found.count} transactions that are not on record here, first ${found.txid}: see "An unexplained transaction" in docs/runbook.md`;
}

/** The one reason that stops payouts and no epoch. */
export const EPOCH_TOO_OLD = 'the last epoch is too old: the vault pays after the next one';

/**
 * Why nothing may be signed at all now, or undefined. A hot wallet whose permissions name any other
 * key may be in somebody else's hands: everything stops until an operator has looked.
 */
export function checkWallet(facts: WalletFacts): string | undefined {
  if (facts.trxSun === undefined) {
    return `the hot wallet ${facts.hotWallet} does not exist on chain: send it TRX`;
  }
  const policies = [facts.owner, ...facts.actives].filter((policy) => policy !== undefined);
  const foreign = policies.some(({ keys }) => keys.some((key) => key.address !== facts.hotWallet));
  if (foreign) return "the hot wallet's permissions on chain name a key that is not its own";
  const locked = policies.some(({ threshold, keys }) => {
    return keys.reduce((sum, { weight }) => sum + weight, 0n) < threshold;
  });
  if (locked) return "the hot wallet's permissions on chain no longer let it sign alone";
  if (facts.vaultOperator !== facts.hotWallet) {
    return `the vault's operator is ${facts.vaultOperator}, not the hot wallet`;
  }
  return checkVault(facts.vault);
}

function checkVault({ paused, closedAt, payoutsUntil, now }: VaultFacts): string | undefined {
  if (closedAt !== 0n) return 'the exit of the vault is open: it pays by its last epoch only';
  if (paused) return 'the vault is paused';
  if (now > payoutsUntil) return EPOCH_TOO_OLD;
  return undefined;
}

/** What decides whether settlement may work on a chain that is not a local one. */
export type PublicChain = {
  readonly hosts: readonly string[];
  /** The hot wallet's key lies in a file as it is. */
  readonly isKeyClear: boolean;
  readonly oneNode: 'refuse' | 'trust';
  /** How far the newest block may be off our clock. */
  readonly headSkewMaxMs: number;
};

const DAY_MS = 86_400_000;

/** Why settlement must not work there, or undefined. */
export function publicChainProblem(chain: PublicChain): string | undefined {
  const { hosts, isKeyClear, oneNode, headSkewMaxMs } = chain;
  const [host] = hosts;
  if (isKeyClear) {
    return `HOT_WALLET_KEY_FILE holds a key in clear, but the chain of ${host} is not a local one. Use KEYSTORE_FILE (npm run keystore) or SIGNER_URL`;
  }
  if (headSkewMaxMs > DAY_MS) {
    return `HEAD_SKEW_MAX_MS is ${headSkewMaxMs}: only a local chain may be more than a day off our clock`;
  }
  // Logs, and so TRC-20 deposits, are under no root of a block: only another node can confirm them.
  if (hosts.length === 1 && oneNode === 'refuse') {
    return `${host} alone could invent deposits, since nobody confirms what it says. Name two nodes or more in TRON_NODE_URLS, or set TRON_ONE_NODE=trust if it is your own`;
  }
  return undefined;
}

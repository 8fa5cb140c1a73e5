import type { NodeOptions } from '../node-provider.js';
import { TronWebChain } from '../tronweb-chain.js';
import { QuorumChain, type QuorumPolicy } from './quorum-chain.js';

/** What follows a provider's host in a file of API keys. */
export type NodeHeaders = Readonly<Record<string, string>>;

const DEFAULT_HEADER = 'TRON-PRO-API-KEY';

/**
 * The chain over these nodes, each known by its host. Throws a TypeError when two of them are the
 * same: a node that is asked twice would agree with itself.
 */
export function connectChain(nodes: readonly NodeOptions[], policy: QuorumPolicy): QuorumChain {
  const names = nodes.map(({ url }) => new URL(url).host);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new TypeError(`the TRON node ${twice} is named twice`);
  return new QuorumChain(
    nodes.map((node, at) => ({ name: names[at] ?? '', chain: new TronWebChain(node) })),
    policy,
  );
}

/**
 * Reads a file of API keys: a line `host key` or `host header key` for each node that wants one, or
 * a key alone when there is but one node. A key goes to its own host and to no other. Throws a
 * TypeError, without any key in it, for anything else.
 */
export function readApiKeys(
  text: string,
  urls: readonly string[],
): ReadonlyMap<string, NodeHeaders> {
  const hosts = new Map(urls.map((url) => [new URL(url).host, url]));
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const keys = new Map<string, NodeHeaders>();
  for (const [at, words] of lines.entries()) {
    const [first = '', second, third] = words;
    if (first === '' || first.startsWith('#')) continue;
    const [only] = urls;
    if (second === undefined && urls.length === 1 && only !== undefined) {
      keys.set(only, { [DEFAULT_HEADER]: first });
      continue;
    }
    const url = hosts.get(first);
    const header = third === undefined ? DEFAULT_HEADER : second;
    const key = third ?? second;
    if (url === undefined || header === undefined || key === undefined || words.length > 3) {
      throw new TypeError(
        `line ${at + 1} of the API keys is not "host key" or "host header key" of a configured node`,
      );
    }
    keys.set(url, { [header]: key });
  }
  return keys;
}

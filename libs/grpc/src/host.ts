const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;
const GROUPS_OF_64_BITS = 4;
const GROUPS = 8;

/**
 * The host of an address: an IPv4 address itself, of IPv6 the first 64 bits, since whoever has one such
 * address usually has all of them.
 */
function hostOf(address: string): string {
  const plain = address.replace(MAPPED, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    for (let left = GROUPS - groups.length - after; left > 0; left--) groups.push('0');
  }
  return `${groups.slice(0, GROUPS_OF_64_BITS).join(':')}::/64`;
}

/** The host of a peer, which is an address and a port; undefined when the address is a proxy's, so that nobody knows. */
export function hostsBut(proxies: readonly string[]): (peer: string) => string | undefined {
  const many = new Set(proxies.map(hostOf));
  return (peer) => {
    const host = hostOf(peer.slice(0, Math.max(peer.lastIndexOf(':'), 0)));
    return many.has(host) ? undefined : host;
  };
}

/**
 * The address that lock-outs count by: the peer's, or with `proxyHops` trusted proxies in front the
 * entry that the outermost of them added to X-Forwarded-For. What a client writes there itself stands
 * further left and is never believed. An IPv6 client owns a whole /64, which counts as one address.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  proxyHops: number,
): string {
  const forwarded = (forwardedFor ?? '').split(',').map((part) => part.trim());
  const named = proxyHops === 0 ? peer : (forwarded.at(-proxyHops) ?? '');
  return bucket(named === '' || named.length > 64 ? peer : named);
}

function bucket(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  return `${expand(address.split('%')[0] ?? address)
    .slice(0, 4)
    .join(':')}::/64`;
}

function expand(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Math.max(0, 8 - left.length - right.length);
  const groups = tail === undefined ? left : [...left, ...Array(zeros).fill('0'), ...right];
  return groups.map((group) => group.replace(/^0+(?=.)/, ''));
}

import { expect, test } from 'vitest';
import { clientAddress } from './client-address.js';

test.each([
  ['the peer without a proxy, whatever a header claims', '10.0.0.1', '1.2.3.4', 0, '10.0.0.1'],
  ['what the only proxy saw', '10.0.0.1', '6.6.6.6, 1.2.3.4', 1, '1.2.3.4'],
  ['what the outer of two proxies saw', '10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.2', 2, '1.2.3.4'],
  ['the peer when a proxy added nothing', '10.0.0.1', undefined, 1, '10.0.0.1'],
  ['the peer when fewer proxies spoke than expected', '10.0.0.1', '1.2.3.4', 2, '10.0.0.1'],
  ['the peer when the entry is absurdly long', '10.0.0.1', 'x'.repeat(65), 1, '10.0.0.1'],
  ['an IPv4 address in IPv6 clothes', '::ffff:10.0.0.1', undefined, 0, '10.0.0.1'],
  ['the /64 of an IPv6 address', '2001:db8:0:1:aaaa::7', undefined, 0, '2001:db8:0:1::/64'],
  [
    'the same /64 written in full',
    '2001:0DB8:0000:0001:1:2:3:4',
    undefined,
    0,
    '2001:db8:0:1::/64',
  ],
  ['the /64 of a link-local address', 'fe80::1%eth0', undefined, 0, 'fe80:0:0:0::/64'],
  ['the loopback address', '::1', undefined, 0, '0:0:0:0::/64'],
])('names %s', (_case, peer, forwarded, hops, expected) => {
  expect(clientAddress(peer, forwarded, hops)).toBe(expected);
});

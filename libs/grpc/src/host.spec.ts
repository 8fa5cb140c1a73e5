import { expect, it } from 'vitest';
import { hostsBut } from './host.js';

it.each([
  ['10.0.0.7:4000', '10.0.0.7'],
  ['::ffff:10.0.0.7:4000', '10.0.0.7'],
  ['::1:4000', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6:4000', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::9:4000', '2001:db8:1:2::/64'],
  ['2001:db8::6:4000', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::6:4000', '2001:db8:0:1::/64'],
  ['unknown', ''],
])('the host of the peer %s is %s', (peer, host) => {
  expect(hostsBut([])(peer)).toBe(host);
});

it('is not known behind a proxy', () => {
  const hostOf = hostsBut(['10.0.0.7', '2001:db8:1:2::1']);
  expect(hostOf('::ffff:10.0.0.7:4000')).toBeUndefined();
  expect(hostOf('2001:db8:1:2::9:4000')).toBeUndefined();
  expect(hostOf('10.0.0.8:4000')).toBe('10.0.0.8');
});

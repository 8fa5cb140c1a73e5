import { expect, test } from 'vitest';
import { findChromium } from './chromium.js';

const only = (path: string) => (candidate: string) => candidate === path;

test('the browser that the environment names wins', () => {
  expect(findChromium({ CHROMIUM_PATH: '/opt/c' }, () => true)).toBe('/opt/c');
});

test.each(['/usr/bin/chromium', '/usr/bin/google-chrome', '/home/me/bin/chromium'])(
  'the browser is found at %s',
  (path) => {
    expect(findChromium({ PATH: '/home/me/bin' }, only(path))).toBe(path);
  },
);

test('without a browser the error says what to do', () => {
  expect(() => findChromium({}, () => false)).toThrow('set CHROMIUM_PATH');
  expect(() => findChromium({ CHROMIUM_PATH: '/opt/c' }, () => false)).toThrow('/opt/c');
});

import { expect, test } from 'vitest';
import { Access, type AccessOptions } from './access.js';

const access = (publicOrigin?: string) =>
  new Access({
    sessions: undefined as unknown as AccessOptions['sessions'],
    httpPort: 8080,
    publicOrigin,
    proxyHops: 0,
    sessionMs: 3_600_000,
  });
const request = (headers: Record<string, string>) =>
  ({ headers }) as unknown as Parameters<Access['sessionToken']>[0];

test('the cookie is out of reach of scripts and other sites, and Secure behind TLS', () => {
  expect(access().cookie('t')).toBe(
    'swarmledger-8080=t; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict',
  );
  expect(access('https://admin.example').cookie('t')).toBe(
    '__Host-swarmledger-8080=t; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure',
  );
  expect(access().cookie()).toContain('swarmledger-8080=; Path=/; Max-Age=0');
});

test.each([
  ['swarmledger-8080=abc', 'abc'],
  ['other=1; swarmledger-8080=abc; more=2', 'abc'],
  ['swarmledger-80801=no; xswarmledger-8080=no', undefined],
  ['', undefined],
])('the session in the cookies %j', (cookie, token) => {
  expect(access().sessionToken(request({ cookie }))).toBe(token);
});

test.each([
  ['no origin at all, as from a command line', undefined, {}, true],
  ['the page itself', undefined, { origin: 'http://localhost:8080' }, true],
  ['another site', undefined, { origin: 'https://evil.example' }, false],
  ['another port', undefined, { origin: 'http://localhost:9999' }, false],
  ['a sandboxed frame', undefined, { origin: 'null' }, false],
  ['the public origin', 'https://admin.example', { origin: 'https://admin.example' }, true],
  ['plain text to a TLS page', 'https://admin.example', { origin: 'http://admin.example' }, false],
])('a change from %s', (_case, publicOrigin, headers, allowed) => {
  const check = () =>
    access(publicOrigin).requireSameOrigin(request({ host: 'localhost:8080', ...headers }));
  if (allowed) check();
  else expect(check).toThrow('NOT_PERMITTED');
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginLink, whereToLook } from './where-to-look.js';

describe('loginLink', () => {
  it('carries any token so that the page reads the same one', () => {
    const token = 'a+b/c=&d#e f';
    const { pathname, search, hash } = new URL(loginLink('http://127.0.0.1:4100', token));
    expect([pathname, search]).toEqual(['/login', '']);
    expect(new URLSearchParams(hash.slice(1)).get('token')).toBe(token);
  });
});

describe('whereToLook', () => {
  let folder: string;
  let operatorTokenFile: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'swarmledger-look-'));
    operatorTokenFile = join(folder, 'operator-token');
    writeFileSync(operatorTokenFile, 'tok_en-1\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives a link that signs in with one click', () => {
    const endpoints = { opsUrls: {}, adminUrl: 'http://127.0.0.1:4100', ingestGrpc: '127.0.0.1:1' };
    const text = whereToLook({ endpoints, dataDir: '/data', operatorTokenFile });
    expect(text).toMatch(/^Dashboard {2}http:\/\/127\.0\.0\.1:4100\/login#token=tok_en-1$/m);
    expect(text).toContain('gRPC       ingest 127.0.0.1:1');
  });

  it('leaves out what does not run, and reads no secret for it', () => {
    rmSync(operatorTokenFile);
    const text = whereToLook({ endpoints: { opsUrls: {} }, dataDir: '/data', operatorTokenFile });
    expect(text).not.toMatch(/Dashboard|gRPC/);
    expect(text).toContain('Data       /data');
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureSecrets, SECRET_FILES } from './secrets.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const names = Object.values(SECRET_FILES).sort();

describe('ensureSecrets', () => {
  it('makes distinct secrets that only their owner can read', () => {
    expect(ensureSecrets(join(folder, 'new')).sort()).toEqual(names);
    const values = names.map((name) => {
      const path = join(folder, 'new', name);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      return readFileSync(path, 'utf8').trim();
    });
    expect(new Set(values).size).toBe(names.length);
    for (const value of values) expect(value).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps what exists and leaves no scratch file', () => {
    writeFileSync(join(folder, SECRET_FILES.hotWalletKey), 'precious\n');
    expect(ensureSecrets(folder)).not.toContain(SECRET_FILES.hotWalletKey);
    expect(ensureSecrets(folder)).toEqual([]);
    expect(readFileSync(join(folder, SECRET_FILES.hotWalletKey), 'utf8')).toBe('precious\n');
    expect(readdirSync(folder).sort()).toEqual(names);
  });
});

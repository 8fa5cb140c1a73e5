import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { KeySigner } from '#libs/tron';
import { keystoreCommand } from './keystore.command.js';
import { parseKeystoreArguments, UsageError } from './options.js';

const folder = mkdtempSync(join(tmpdir(), 'swarmledger-keystore-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const write = (name: string, text: string) => {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};
const run = (...args: string[]) => {
  const options = parseKeystoreArguments(args);
  if (options.command === 'help') throw new Error('not asked for');
  return keystoreCommand(options);
};

const KEY = '0d'.repeat(32);
const passwordFile = write('password', 'a long enough password\n');
const withPassword = ['--password-file', passwordFile];

describe('the keystore command', () => {
  it('makes a keystore that only its owner may read, and never overwrites one', async () => {
    const address = await run('new', at('new.json'), ...withPassword);
    expect(address).toMatch(/^T/);
    expect(statSync(at('new.json')).mode & 0o777).toBe(0o600);
    expect(await run('address', at('new.json'), ...withPassword)).toBe(address);
    const before = readFileSync(at('new.json'), 'utf8');
    await expect(run('new', at('new.json'), ...withPassword)).rejects.toThrow('not overwritten');
    await expect(
      run('import', at('new.json'), '--key-file', write('key', KEY), ...withPassword),
    ).rejects.toThrow('not overwritten');
    expect(readFileSync(at('new.json'), 'utf8')).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['key', 'new.json', 'password']);
  });

  it('imports a key', async () => {
    const keyFile = write('key', `0x${KEY}\n`);
    const address = await run('import', at('old.json'), '--key-file', keyFile, ...withPassword);
    expect(address).toBe(new KeySigner(KEY).address);
    expect(readFileSync(at('old.json'), 'utf8')).not.toContain(KEY);
  });

  it('refuses files that others may read, and what is no key, without telling it', async () => {
    const open = write('open', KEY);
    chmodSync(open, 0o644);
    const importing = (keyFile: string) =>
      run('import', at('x.json'), '--key-file', keyFile, ...withPassword);
    await expect(importing(open)).rejects.toThrow('others may read');
    await expect(importing(write('bad', 'topsecret'))).rejects.toThrow('32 bytes of hex');
    await expect(importing(write('bad', 'topsecret'))).rejects.not.toThrow('topsecret');
    await expect(importing(at('none'))).rejects.toThrow('missing');
    await expect(run('new', at('x.json'))).rejects.toThrow('no terminal');
  });

  it.each([
    [[]],
    [['make', 'x']],
    [['new']],
    [['new', 'a', 'b']],
    [['new', 'a', '--password', 'x']],
    [['address', 'a', '--key-file', 'x']],
  ])('refuses %j', (args) => {
    expect(() => parseKeystoreArguments(args)).toThrow(UsageError);
  });

  it('has help', () => {
    expect(parseKeystoreArguments(['new', '--help'])).toEqual({ command: 'help' });
  });
});

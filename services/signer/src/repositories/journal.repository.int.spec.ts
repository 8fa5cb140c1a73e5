import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalRepository } from './journal.repository.js';

const record = (number: number) => ({
  atMs: BigInt(number),
  txid: number.toString(16).padStart(64, '0'),
  units: 1n,
  key: '',
  contents: '',
  epoch: 0n,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

// The same process id in two containers over one folder looks to the lock like one process that was restarted.
describe('two journals over one folder', () => {
  it('write each its own only until the other has written', async () => {
    const { journal: old } = await JournalRepository.open(folder);
    await old.append(record(1));
    const { journal: newer, records } = await JournalRepository.open(folder);
    expect(records).toHaveLength(1);
    await newer.append(record(2));
    await expect(old.append(record(3))).rejects.toThrow('another process writes');
    await expect(old.append(record(3))).rejects.toThrow('another process writes');
    await newer.append(record(4));
    expect(readFileSync(join(folder, 'signed.jsonl'), 'utf8').split('\n')).toHaveLength(4);
    await Promise.all([old.close(), newer.close()]);
  });

  it('never both sign when they write at the same time', async () => {
    const { journal: one } = await JournalRepository.open(folder);
    const { journal: other } = await JournalRepository.open(folder);
    const written = await Promise.allSettled([one.append(record(1)), other.append(record(2))]);
    expect(written.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
    await Promise.all([one.close(), other.close()]);
  });
});

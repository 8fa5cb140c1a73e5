import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SignedRecord } from '../domain/history.js';

const FILE = 'signed.jsonl';
const digits = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const lineSchema = z.strictObject({
  atMs: digits,
  txid: z.string().regex(/^[0-9a-f]{64}$/),
  units: digits,
  key: z.string().max(100),
  contents: z.string().max(64),
  epoch: digits,
});

/** The journal cannot be read or belongs to another process. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/**
 * What was signed, a line each, on the disk before the signature leaves. A last line that was torn by
 * a crash was never answered, and is cut off; any other damage stops the start.
 */
export class JournalRepository {
  private constructor(
    private readonly file: FileHandle,
    private readonly lock: string,
    private bytes: number,
  ) {}

  /** Opens the journal of a folder. Throws a JournalError. */
  static async open(
    folder: string,
  ): Promise<{ journal: JournalRepository; records: readonly SignedRecord[] }> {
    const lock = join(folder, 'lock');
    await takeLock(lock);
    const path = join(folder, FILE);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const records = whole.split('\n').slice(0, -1).map(readLine);
    const file = await open(path, 'a', 0o600);
    const bytes = Buffer.byteLength(whole);
    await file.truncate(bytes);
    await file.sync();
    await syncFolder(folder);
    return { journal: new JournalRepository(file, lock, bytes), records };
  }

  /**
   * Returns only when the record is on the disk. Throws a JournalError, now and from then on, when another process has
   * written: the lock knows processes of this machine only, and of two that append one finds the file longer than its own.
   */
  async append(record: SignedRecord): Promise<void> {
    const line = `${JSON.stringify(record, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))}\n`;
    await this.#assertBytes(this.bytes);
    try {
      await this.file.appendFile(line);
      await this.file.datasync();
    } catch (error) {
      // Half a line would make the next one unreadable.
      await this.file.truncate(this.bytes);
      throw error;
    }
    const bytes = this.bytes + Buffer.byteLength(line);
    await this.#assertBytes(bytes);
    this.bytes = bytes;
  }

  async close(): Promise<void> {
    await this.file.close();
    await rm(this.lock, { force: true });
  }

  async #assertBytes(expected: number): Promise<void> {
    const { size } = await this.file.stat();
    if (size !== expected) throw new JournalError(`another process writes ${FILE} too`);
  }
}

// A file that was just made is there after a loss of power only when its folder is on the disk, too.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

function readLine(line: string, at: number): SignedRecord {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new JournalError(`line ${at + 1} of ${FILE} is damaged; see docs/settlement.md`, {
      cause,
    });
  }
}

// Two signers over one journal would each allow the whole window.
async function takeLock(path: string): Promise<void> {
  const mine = `${path}.${process.pid}`;
  const file = await open(mine, 'w', 0o600);
  await file.writeFile(String(process.pid));
  await file.close();
  const holder = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    await rm(mine);
    throw new JournalError(`the folder is used by process ${holder}`);
  }
  await rename(mine, path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

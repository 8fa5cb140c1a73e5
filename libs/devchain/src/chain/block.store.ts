import fs from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { crc32 } from 'node:zlib';
import type { Outcome } from '../execution/outcome.js';
import type { Changes, StateKey, StateValue } from '../state/world.js';
import { takeLock } from './data-dir-lock.js';

/**
 * The chain on disk: one append-only file of records, each `length ‖ crc32 ‖ body`. A record is
 * written before its block is published; a tail torn by a crash is cut off at the next start.
 */

export interface StoredTransaction {
  /** Serialized with signatures and result. */
  readonly bytes: Uint8Array;
  readonly outcome: Outcome;
}
export interface StoredBlock {
  readonly number: number;
  readonly timestampMs: number;
  readonly id: Uint8Array;
  readonly txTrieRoot: Uint8Array;
  readonly transactions: readonly StoredTransaction[];
}
export type ChainRecord =
  /** Written first, and again whenever the chain is opened with another lag. */
  | { readonly kind: 'settings'; readonly network: string; readonly solidLagBlocks: number }
  | { readonly kind: 'empty'; readonly timestampMs: number }
  | { readonly kind: 'block'; readonly block: StoredBlock; readonly changes: Changes }
  | { readonly kind: 'cut'; readonly toNumber: number };

/** Where a block's record starts in the file. */
export type Position = number;

const HEAD_BYTES = 8;
const WINDOW_BYTES = 256 * 1024;
const BODY_BYTES_MAX = 256 * 1024 * 1024;
const tags = { settings: 0, empty: 1, block: 2, cut: 3 } as const;

/** The file is damaged or of another network. */
export class ChainStoreError extends Error {}

function bodyOf(record: ChainRecord): Buffer {
  const tag = Buffer.of(tags[record.kind]);
  switch (record.kind) {
    case 'settings': {
      const lag = Buffer.alloc(2);
      lag.writeUInt16BE(record.solidLagBlocks);
      return Buffer.concat([tag, lag, Buffer.from(record.network)]);
    }
    case 'empty': {
      const time = Buffer.alloc(6);
      time.writeUIntBE(record.timestampMs, 0, 6);
      return Buffer.concat([tag, time]);
    }
    case 'cut': {
      const number = Buffer.alloc(6);
      number.writeUIntBE(record.toNumber, 0, 6);
      return Buffer.concat([tag, number]);
    }
    case 'block':
      // The changes are nested so that reading a block later need not decode them.
      return Buffer.concat([
        tag,
        v8.serialize({ ...record.block, changes: v8.serialize([...record.changes]) }),
      ]);
  }
}

function parseBlock(body: Uint8Array): StoredBlock & { changes: Uint8Array } {
  return v8.deserialize(body.subarray(1)) as StoredBlock & { changes: Uint8Array };
}

function parse(body: Buffer): ChainRecord {
  switch (body[0]) {
    case tags.settings:
      return {
        kind: 'settings',
        solidLagBlocks: body.readUInt16BE(1),
        network: body.toString('utf8', 3),
      };
    case tags.empty:
      return { kind: 'empty', timestampMs: body.readUIntBE(1, 6) };
    case tags.cut:
      return { kind: 'cut', toNumber: body.readUIntBE(1, 6) };
    case tags.block: {
      const { changes, ...block } = parseBlock(body);
      const entries = v8.deserialize(changes) as [StateKey, StateValue | undefined][];
      // Copies, so that a small value does not keep its whole record in memory.
      const own = entries.map(
        ([key, value]) =>
          [key, value instanceof Uint8Array ? Uint8Array.from(value) : value] as const,
      );
      return { kind: 'block', block, changes: new Map(own) };
    }
    default:
      throw new ChainStoreError(`unknown record ${body[0]}`);
  }
}

export class BlockStore {
  private readonly lockPath: string;
  /** The part of the file read last, so that reading many small records needs few system calls. */
  private window = Buffer.alloc(0);
  private windowAt = 0;

  private constructor(
    private readonly fd: number,
    private size: number,
    dataDir: string,
  ) {
    this.lockPath = path.join(dataDir, 'chain.lock');
  }

  /** Opens or creates the file in `dataDir`. @throws DataDirInUse when another process has it */
  static open(dataDir: string): BlockStore {
    fs.mkdirSync(dataDir, { recursive: true });
    takeLock(path.join(dataDir, 'chain.lock'));
    const fd = fs.openSync(
      path.join(dataDir, 'chain.log'),
      fs.constants.O_RDWR | fs.constants.O_CREAT,
      0o644,
    );
    return new BlockStore(fd, fs.fstatSync(fd).size, dataDir);
  }

  /** Reads every record in order and cuts off a torn tail. @throws ChainStoreError for damage */
  *load(): Generator<{ record: ChainRecord; position: Position }> {
    let at = 0;
    for (;;) {
      const body = this.bodyAt(at);
      if (body === undefined) break;
      yield { record: parse(body), position: at };
      at += HEAD_BYTES + body.length;
    }
    if (at < this.size) fs.ftruncateSync(this.fd, at);
    this.size = at;
  }

  /** Appends a record; `durable` also waits for the disk. @returns where it starts */
  append(record: ChainRecord, durable: boolean): Position {
    const body = bodyOf(record);
    const bytes = Buffer.alloc(HEAD_BYTES + body.length);
    bytes.writeUInt32BE(body.length, 0);
    bytes.writeUInt32BE(crc32(body), 4);
    body.copy(bytes, HEAD_BYTES);
    const position = this.size;
    for (let done = 0; done < bytes.length; ) {
      done += fs.writeSync(this.fd, bytes, done, bytes.length - done, position + done);
    }
    if (durable) fs.fdatasyncSync(this.fd);
    this.size += bytes.length;
    return position;
  }

  /** Reads the block whose record starts at `position`. */
  read(position: Position): StoredBlock {
    const body = this.bodyAt(position);
    if (body?.[0] !== tags.block) throw new ChainStoreError(`no block at ${position}`);
    const { changes: _changes, ...block } = parseBlock(body);
    return block;
  }

  close(): void {
    fs.closeSync(this.fd);
    fs.rmSync(this.lockPath, { force: true });
  }

  /** @returns undefined at the end of the file or where a torn record starts */
  private bodyAt(at: Position): Buffer | undefined {
    if (at + HEAD_BYTES > this.size) return undefined;
    const head = this.slice(at, HEAD_BYTES);
    const length = head.readUInt32BE(0);
    const end = at + HEAD_BYTES + length;
    if (end > this.size || length > BODY_BYTES_MAX) return undefined;
    const body = this.slice(at + HEAD_BYTES, length);
    if (crc32(body) === head.readUInt32BE(4)) return body;
    if (end === this.size) return undefined;
    throw new ChainStoreError(`chain.log is damaged at byte ${at}; remove DATA_DIR to start over`);
  }

  private slice(at: number, length: number): Buffer {
    const from = at - this.windowAt;
    if (from >= 0 && from + length <= this.window.length) {
      return this.window.subarray(from, from + length);
    }
    const window = Buffer.alloc(Math.min(Math.max(length, WINDOW_BYTES), this.size - at));
    for (let done = 0; done < window.length; ) {
      const read = fs.readSync(this.fd, window, done, window.length - done, at + done);
      if (read === 0) throw new ChainStoreError('chain.log became shorter while it was read');
      done += read;
    }
    this.window = window;
    this.windowAt = at;
    return window.subarray(0, length);
  }
}

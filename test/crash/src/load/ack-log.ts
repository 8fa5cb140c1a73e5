import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Units } from '#libs/domain';

/** How a payment reaches the ledger: over the packed stream, the typed one, or in a call of its own. */
export const WAYS = ['packed', 'typed', 'single'] as const;
export type Way = (typeof WAYS)[number];

/**
 * The payer's own log, one line per fact, written before the payer goes on:
 * - `S channel units`: a payment that claims so much is about to be sent for the first time;
 * - `A ms channel units way`: the ledger has said, at that time and over that way, that the channel owes at
 *   least so much;
 * - `R channel reason …`: a payment was refused for good, which an honest payer does not expect;
 * - `U channel why …`: the client gave up before it had a final answer.
 * Channels are numbered as in the payer's list.
 */
export class AckLogWriter {
  readonly #file: number;
  #lines = '';

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  sent(channel: number, units: Units): void {
    this.#lines += `S ${channel} ${units}\n`;
  }

  acked(atMs: number, channel: number, units: Units, way: Way): void {
    this.#lines += `A ${atMs} ${channel} ${units} ${way}\n`;
  }

  refused(channel: number, reason: string): void {
    this.#lines += `R ${channel} ${reason}\n`;
  }

  unanswered(channel: number, why: string): void {
    this.#lines += `U ${channel} ${why}\n`;
  }

  /** Writes what was noted since the last time. */
  flush(): void {
    const bytes = Buffer.from(this.#lines);
    this.#lines = '';
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
  }
}

/** What a payer's log says so far. Amounts are by channel number, 0 where nothing was said. */
export class AckLog {
  readonly sentUnits: Units[] = [];
  readonly ackedUnits: Units[] = [];
  readonly refusals: string[] = [];
  sends = 0;
  readonly acks: Record<Way, number> = { packed: 0, typed: 0, single: 0 };
  unanswered = 0;
  lastAckAtMs = 0;
  #rest = '';

  /** Takes a further piece of the file, cut anywhere. Throws on a line that no writer wrote. */
  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#addLine(line);
  }

  #addLine(line: string): void {
    const [kind, first = '', second = '', third = '', way = ''] = line.split(' ', 5);
    switch (kind) {
      case 'S':
        this.sends += 1;
        raise(this.sentUnits, Number(first), BigInt(second));
        return;
      case 'A':
        this.acks[way as Way] += 1;
        this.lastAckAtMs = Math.max(this.lastAckAtMs, Number(first));
        raise(this.ackedUnits, Number(second), BigInt(third));
        return;
      case 'R':
        this.refusals.push(`channel ${line.slice(2)}`);
        return;
      case 'U':
        this.unanswered += 1;
        return;
      default:
        throw new Error(`the log of acknowledgements has a strange line: ${line}`);
    }
  }
}

function raise(amounts: Units[], channel: number, units: Units): void {
  if (units > (amounts[channel] ?? 0n)) amounts[channel] = units;
}

/** Follows the file while it grows. */
export class AckLogReader {
  readonly log = new AckLog();
  readonly #file: number;
  readonly #buffer = Buffer.alloc(1024 * 1024);
  #at = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** Reads what is new; the log is complete up to what had been written before the call. */
  read(): AckLog {
    const size = fstatSync(this.#file).size;
    while (this.#at < size) {
      const bytes = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#at);
      this.#at += bytes;
      this.log.add(this.#buffer.toString('latin1', 0, bytes));
    }
    return this.log;
  }

  close(): void {
    closeSync(this.#file);
  }
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What became of a frame. */
export const FRAME = { unsent: 0, sent: 1, answered: 2 } as const;

/** What one stream was told: the only thing the reconciliation believes of the generator. */
export class AckLog {
  readonly frames: Uint8Array;
  /** Highest amount acknowledged by a receipt, by handle, in units. */
  readonly receipts: Float64Array;
  /** Refused items: frame, item, frame, item … */
  readonly refused: number[];

  constructor(framesMax: number, channels: number, refused: number[] = []) {
    this.frames = new Uint8Array(framesMax);
    this.receipts = new Float64Array(channels);
    this.refused = refused;
  }

  /** Writes the log to a folder. */
  save(folder: string, stream: number): void {
    writeFileSync(join(folder, `acks-${stream}.frames`), this.frames);
    writeFileSync(join(folder, `acks-${stream}.receipts`), Buffer.from(this.receipts.buffer));
    writeFileSync(join(folder, `acks-${stream}.refused.json`), JSON.stringify(this.refused));
  }

  /** Reads what {@link save} wrote. */
  static load(folder: string, stream: number): AckLog {
    const frames = readFileSync(join(folder, `acks-${stream}.frames`));
    const receipts = readFileSync(join(folder, `acks-${stream}.receipts`));
    const refused = JSON.parse(readFileSync(join(folder, `acks-${stream}.refused.json`), 'utf8'));
    const log = new AckLog(frames.length, receipts.length / 8, refused as number[]);
    log.frames.set(frames);
    log.receipts.set(new Float64Array(Uint8Array.from(receipts).buffer));
    return log;
  }
}

/** When acknowledgements came and where their records stand: time, payments, n, then n × (partition, offset). */
export class AckTimes {
  #values: number[] = [];

  add(
    atMs: number,
    items: number,
    positions: readonly { partition: number; offset: bigint }[],
  ): void {
    this.#values.push(atMs, items, positions.length);
    for (const { partition, offset } of positions) this.#values.push(partition, Number(offset));
  }

  /** Writes what was added since the last time. */
  save(file: string): void {
    writeFileSync(file, Buffer.from(Float64Array.from(this.#values).buffer));
    this.#values = [];
  }
}

/** One acknowledgement as {@link AckTimes} wrote it. */
export type AckTime = {
  readonly atMs: number;
  readonly items: number;
  readonly positions: readonly { readonly partition: number; readonly offset: number }[];
};

/** Reads a file of {@link AckTimes}. */
export function* readAckTimes(file: string): Generator<AckTime> {
  const values = new Float64Array(Uint8Array.from(readFileSync(file)).buffer);
  const value = (at: number) => values[at] ?? 0;
  for (let at = 0; at < values.length; ) {
    const count = value(at + 2);
    const positions = Array.from({ length: count }, (_, each) => ({
      partition: value(at + 3 + 2 * each),
      offset: value(at + 4 + 2 * each),
    }));
    yield { atMs: value(at), items: value(at + 1), positions };
    at += 3 + 2 * count;
  }
}

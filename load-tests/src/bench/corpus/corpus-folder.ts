import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKED_BUNDLE, PACKED_BUNDLE_ENTRY, PACKED_TICK, PACKED_VOUCHER } from '#libs/contracts';
import { type CorpusPlan, corpusName } from './plan.js';

const SEGMENT_BYTES = 2 * 1024 * 1024;
/** Raised when the same plan comes to give other bytes, so that old files are not taken for new ones. */
const FORMAT = 1;

/** Frames in one file of a stream. */
export function framesPerSegment({ proof, batchItems, groupChannels }: CorpusPlan): number {
  const itemBytes = {
    voucher: PACKED_VOUCHER.bytes,
    tick: PACKED_TICK.bytes,
    bundle: PACKED_BUNDLE_ENTRY.bytes + PACKED_BUNDLE.bytes / groupChannels,
  }[proof];
  return Math.max(1, Math.floor(SEGMENT_BYTES / (batchItems * itemBytes)));
}

/** The files of one corpus; a file that exists is whole. */
export class CorpusFolder {
  readonly path: string;

  constructor(
    root: string,
    readonly plan: CorpusPlan,
  ) {
    this.path = join(root, `v${FORMAT}-${corpusName(plan)}`);
  }

  /** Channel records of a stream, see `CHANNEL_RECORD`. */
  recordsFile(stream: number): string {
    return join(this.path, `channels-${stream}.bin`);
  }

  /** Kept elements of a stream's hash chains. */
  chainsFile(stream: number): string {
    return join(this.path, `chains-${stream}.bin`);
  }

  /** A run of frames of a stream. */
  segmentFile(stream: number, segment: number): string {
    return join(this.path, `frames-${stream}-${String(segment).padStart(5, '0')}.bin`);
  }

  /** Channel records of a stream, once they are made. */
  records(stream: number): Buffer {
    return readFileSync(this.recordsFile(stream));
  }

  /** Segments of a stream that cover its first frames and are not there yet. */
  missingSegments(stream: number, frames: number): number[] {
    const count = Math.ceil(Math.min(frames, this.plan.framesMax) / framesPerSegment(this.plan));
    return Array.from({ length: count }, (_, segment) => segment).filter(
      (segment) => !existsSync(this.segmentFile(stream, segment)),
    );
  }

  /** Writes a file so that it is never seen half-written. */
  write(file: string, bytes: Uint8Array): void {
    mkdirSync(this.path, { recursive: true });
    writeFileSync(`${file}.part`, bytes);
    renameSync(`${file}.part`, file);
  }
}

const HEADER_BYTES = 36;

/** A segment as bytes: how many frames, SHA-256 of the rest, then each frame after its length. */
export function encodeSegment(frames: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(frames.length, 0);
  header.set(createHash('sha256').update(body).digest(), 4);
  return Buffer.concat([header, body]);
}

/** The frames of a segment, as views of its bytes. Throws when they are not what was written. */
export function decodeSegment(bytes: Buffer, file: string): Buffer[] {
  const body = bytes.subarray(HEADER_BYTES);
  const digest = createHash('sha256').update(body).digest();
  if (bytes.length < HEADER_BYTES || !digest.equals(bytes.subarray(4, HEADER_BYTES))) {
    throw new Error(`${file} is damaged; delete it, it is made again`);
  }
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at);
    frames.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return frames;
}

/** The frames of a segment's file. */
export async function readSegment(file: string): Promise<Buffer[]> {
  return decodeSegment(await readFile(file), file);
}

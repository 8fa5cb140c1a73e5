import { existsSync } from 'node:fs';
import { type CorpusFolder, framesPerSegment, readSegment } from '../corpus/corpus-folder.js';

/** Segments read ahead of the one in use. */
const AHEAD = 2;

/** The frames of one stream from disk, read ahead so that sending never waits for a file. */
export class FrameSource {
  readonly #perSegment: number;
  readonly #loaded = new Map<number, Buffer[]>();
  readonly #loading = new Map<number, Promise<void>>();
  #next = 0;

  constructor(
    private readonly folder: CorpusFolder,
    private readonly stream: number,
  ) {
    this.#perSegment = framesPerSegment(folder.plan);
  }

  /** Number of the next frame. */
  get position(): number {
    return this.#next;
  }

  /** Reads ahead from the present position; to be awaited before sending starts. */
  async fill(): Promise<void> {
    const segment = Math.floor(this.#next / this.#perSegment);
    for (let each = segment; each <= segment + AHEAD; each++) this.#load(each);
    await Promise.all(this.#loading.values());
  }

  /** The next frame; undefined when it is not on disk, 'later' when it is still being read. */
  take(): Buffer | 'later' | undefined {
    const segment = Math.floor(this.#next / this.#perSegment);
    const frames = this.#loaded.get(segment);
    if (frames === undefined) {
      this.#load(segment);
      return this.#loading.has(segment) ? 'later' : undefined;
    }
    const frame = frames[this.#next % this.#perSegment];
    if (frame === undefined) return undefined;
    if (this.#next % this.#perSegment === 0) this.#turn(segment);
    this.#next += 1;
    return frame;
  }

  #turn(segment: number): void {
    this.#loaded.delete(segment - 1);
    for (let each = segment + 1; each <= segment + AHEAD; each++) this.#load(each);
  }

  #load(segment: number): void {
    if (this.#loaded.has(segment) || this.#loading.has(segment)) return;
    const file = this.folder.segmentFile(this.stream, segment);
    if (!existsSync(file)) return;
    const loading = readSegment(file).then((frames) => {
      this.#loaded.set(segment, frames);
      this.#loading.delete(segment);
    });
    this.#loading.set(segment, loading);
  }
}

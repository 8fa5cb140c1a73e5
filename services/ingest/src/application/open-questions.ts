import type { ChannelFacts } from '../domain/channel.js';

/** Key of a channel's id in a map: a character per byte, which is half of a hex text. */
export function channelKey(ids: Uint8Array, at = 0): string {
  return Buffer.from(ids.buffer, ids.byteOffset + at, 32).toString('latin1');
}

/** Somebody who asked: the answer goes to position `at` of `rows`. */
export type Asker = { readonly answers: Answers; readonly at: number };

/** The answers to one request, as they come in. */
export class Answers {
  readonly rows: Int32Array;
  readonly complete: Promise<Int32Array>;
  #missing: number;
  #resolve: (rows: Int32Array) => void = () => undefined;

  constructor(count: number) {
    this.rows = new Int32Array(count);
    this.#missing = count;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (count === 0) this.#resolve(this.rows);
  }

  set(at: number, row: number): void {
    this.rows[at] = row;
    this.#missing--;
    if (this.#missing === 0) this.#resolve(this.rows);
  }
}

/** A channel that the books are being asked for. */
export type Question = {
  readonly key: string;
  readonly id: Uint8Array;
  readonly partition: number;
  readonly askers: Asker[];
  /** News that came since the question was asked: the answer may be older. */
  readonly news: ChannelFacts[];
  /** News may have been lost since the question was asked: the answer may be older than that. */
  spoilt: boolean;
};

/**
 * Questions to the books that have no answer yet. An answer shows a channel as it was at some moment
 * while the question was open, so whatever the topic tells meanwhile is kept with the question.
 */
export class OpenQuestions {
  readonly #byKey = new Map<string, Question>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Question | undefined {
    return this.#byKey.get(key);
  }

  open(key: string, id: Uint8Array, partition: number): Question {
    const question = { key, id, partition, askers: [], news: [], spoilt: false };
    this.#byKey.set(key, question);
    return question;
  }

  close(question: Question): void {
    this.#byKey.delete(question.key);
  }

  /** News of some partition were lost. */
  spoilPartition(partition: number): void {
    for (const question of this.#byKey.values()) {
      if (question.partition === partition) question.spoilt = true;
    }
  }
}

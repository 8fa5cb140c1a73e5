import { partitionOf, type Refusal, refuse } from '#libs/domain';
import type { ChannelFacts } from '../domain/channel.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { INGEST_LIMITS } from './limits.js';
import { Answers, channelKey, type OpenQuestions, type Question } from './open-questions.js';
import type { Books, Clock, IngestMeter } from './ports.js';
import { Recently } from './recently.js';

const ID_BYTES = 32;

/** What stands for a row when there is none. */
export const NO_ROW = { unknown: -1, unavailable: -2, overloaded: -3 } as const;

/** Why there is no row, of a number that is one of {@link NO_ROW}. */
export function lookupRefusal(noRow: number): Refusal {
  if (noRow === NO_ROW.unknown) return refuse('CHANNEL_UNKNOWN', 'no channel has this id');
  if (noRow === NO_ROW.overloaded) {
    return refuse('OVERLOADED', 'too many channels are being paid or asked for');
  }
  return refuse('UNAVAILABLE', 'the channel is not known here and the books do not answer');
}

/** What a {@link ChannelLookup} is made of. */
export type ChannelLookupParts = {
  readonly books: Books;
  readonly table: ChannelTable;
  readonly questions: OpenQuestions;
  readonly clock: Clock;
  readonly meter: IngestMeter;
};

/**
 * Asks the books for channels that the table does not hold, or holds no longer as they are. Questions
 * of one turn of the event loop go out together; a channel is asked for once however many wait for
 * it; a bounded number is asked for in all, and a negative answer is remembered for a second.
 *
 * An answer may be older than news that overtook it. No news is missed: nothing is asked before the
 * first mark of the channel's partition was read, so every change that the answer does not show comes
 * by the topic, and what comes before the answer is kept with the question.
 */
export class ChannelLookup {
  readonly #parts: ChannelLookupParts;
  readonly #unknown: Recently;
  readonly #waiting: Question[] = [];
  #asking = 0;
  #scheduled = false;

  constructor(parts: ChannelLookupParts) {
    this.#parts = parts;
    this.#unknown = new Recently(parts.clock);
  }

  /**
   * Takes ids of 32 bytes, one after another. Resolves with a row for each, in order: it is current
   * and retained for the caller, who releases it; closed channels have rows too. Where there is no
   * row the number is one of {@link NO_ROW}. Never rejects.
   */
  ask(ids: Uint8Array): Promise<Int32Array> {
    const answers = new Answers(ids.length / ID_BYTES);
    for (let at = 0; at < answers.rows.length; at++) this.#askOne(ids, at, answers);
    if (this.#waiting.length > 0) this.#schedule();
    return answers.complete;
  }

  #askOne(ids: Uint8Array, at: number, answers: Answers): void {
    const { questions, table } = this.#parts;
    const start = at * ID_BYTES;
    const key = channelKey(ids, start);
    const running = questions.get(key);
    if (running !== undefined) {
      running.askers.push({ answers, at });
      return;
    }
    const id = ids.slice(start, start + ID_BYTES);
    const partition = partitionOf(id, table.partitions);
    if (!table.marks.has(partition)) answers.set(at, NO_ROW.unavailable);
    else if (this.#unknown.has(key)) answers.set(at, NO_ROW.unknown);
    else if (questions.size >= INGEST_LIMITS.lookupsWaitingMax) answers.set(at, NO_ROW.overloaded);
    else {
      const question = questions.open(key, id, partition);
      question.askers.push({ answers, at });
      this.#waiting.push(question);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#asking < INGEST_LIMITS.lookupsMax) {
        void this.#send(this.#waiting.splice(0, INGEST_LIMITS.lookupChannelsMax));
      }
    });
  }

  async #send(asked: readonly Question[]): Promise<void> {
    const { books, meter } = this.#parts;
    this.#asking++;
    try {
      const answer = await books.channels(asked.map(({ id }) => id));
      const facts = new Map(answer.known.map((known) => [channelKey(known.id), known]));
      const unreadable = new Set(answer.unreadable.map((id) => channelKey(id)));
      for (const question of asked) {
        const row = unreadable.has(question.key)
          ? NO_ROW.unavailable
          : this.#judge(question, facts.get(question.key));
        this.#answer(question, row);
      }
      meter.lookedUp('found', facts.size);
      meter.lookedUp('failed', unreadable.size);
      meter.lookedUp('unknown', asked.length - facts.size - unreadable.size);
    } catch {
      meter.lookedUp('failed', asked.length);
      for (const question of asked) this.#answer(question, NO_ROW.unavailable);
    } finally {
      this.#asking--;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }

  // Takes the answer and then what overtook it; both only ever move a channel forward.
  #judge(question: Question, answer: ChannelFacts | undefined): number {
    if (question.spoilt) return NO_ROW.unavailable;
    const { table } = this.#parts;
    // A channel that is not in the answer may have been opened since.
    const first = answer ?? question.news[0];
    if (first === undefined) {
      this.#unknown.note(question.key);
      return NO_ROW.unknown;
    }
    const row = table.learn(first);
    if (row < 0) return NO_ROW.overloaded;
    for (const facts of question.news) table.hear(row, facts);
    return row;
  }

  #answer(question: Question, row: number): void {
    const { questions, table } = this.#parts;
    questions.close(question);
    for (const { answers, at } of question.askers) {
      if (row >= 0) table.retain(row);
      answers.set(at, row);
    }
  }
}

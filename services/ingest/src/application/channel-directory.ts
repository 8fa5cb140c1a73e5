import type { ChannelFacts } from '../domain/channel.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { channelKey, type OpenQuestions } from './open-questions.js';
import type { Clock } from './ports.js';

/**
 * Keeps the table's channels true to what the `channels` topic tells. The table is a cache: news of a
 * channel that is neither in it nor being asked for is of no use, since the books, when they are
 * asked, know at least as much.
 */
export class ChannelDirectory {
  constructor(
    readonly table: ChannelTable,
    private readonly questions: OpenQuestions,
    private readonly clock: Clock,
  ) {}

  get partitions(): number {
    return this.table.partitions;
  }

  /** True when news of this channel matters here. */
  isOfInterest(id: Uint8Array): boolean {
    return this.table.find(id) >= 0 || this.questions.get(channelKey(id)) !== undefined;
  }

  /** Takes news of a channel. */
  hear(facts: ChannelFacts): void {
    const row = this.table.find(facts.id);
    if (row >= 0) this.table.hear(row, facts);
    this.questions.get(channelKey(facts.id))?.news.push(facts);
  }

  /** Lets go of a channel whose news cannot be read: the books are asked when it is next paid. */
  forget(id: Uint8Array): void {
    const row = this.table.find(id);
    if (row >= 0) this.table.forget(row);
    const question = this.questions.get(channelKey(id));
    if (question !== undefined) question.spoilt = true;
  }

  /** All changes of this partition committed before `markMs` are known here. */
  mark(partition: number, markMs: number): void {
    this.table.marks.take(partition, markMs, Number(this.clock.nowMs()));
  }

  /** News of this partition is lost for good: nothing that was known of it counts any more. */
  lost(partition: number): void {
    this.table.forgetPartition(partition);
    this.questions.spoilPartition(partition);
  }
}

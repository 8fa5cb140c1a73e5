import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHANNEL_RECORD } from '../corpus/channels.js';
import { CorpusFolder } from '../corpus/corpus-folder.js';
import { AckTimes } from './ack-log.js';
import { nowMs } from './clock.js';
import { Histogram } from './histogram.js';
import type { GeneratorOrder, PhaseOrder, PhaseResult } from './messages.js';
import { Sender } from './sender.js';

const TICK_MS = 2;
/** So far behind the schedule a phase is hopeless. */
const HOPELESS_SECONDS = 1.5;
/** How long answers may take after the last frame. */
const ANSWERS_MS = 60_000;

type Tally = {
  sent: number;
  acked: number;
  answeredFrames: number;
  refused: Record<string, number>;
};

/** Sends a corpus over its streams, phase by phase, and keeps the ack log. */
export class Generator {
  readonly #senders: Sender[];
  readonly #times = new AckTimes();
  readonly #folder: CorpusFolder;
  #tally: Tally = newTally();
  #latency = new Histogram();
  #turn = 0;
  #endMs = 0;
  #ackedInTime = 0;
  #framesOut = 0;
  #lost: string | undefined;

  constructor(private readonly order: GeneratorOrder) {
    const { plan, addresses, session } = order;
    this.#folder = new CorpusFolder(order.corpusRoot, plan);
    this.#senders = Array.from({ length: plan.streams }, (_, stream) => {
      const address = addresses[stream % addresses.length] ?? '';
      return new Sender(
        this.#folder,
        stream,
        { address, session },
        {
          onAnswer: (answer) => {
            this.#tally.acked += answer.acked;
            this.#tally.answeredFrames += 1;
            this.#framesOut -= 1;
            this.#latency.add(answer.atMs - answer.dueMs);
            if (answer.atMs <= this.#endMs) this.#ackedInTime += answer.acked;
          },
          onRefused: (reason) => {
            this.#tally.refused[reason] = (this.#tally.refused[reason] ?? 0) + 1;
          },
          onFlush: (atMs, items, ack) => this.#times.add(atMs, items, ack.positions),
          onLost: (reason) => {
            this.#lost ??= reason;
          },
        },
      );
    });
  }

  /** Opens all handles; returns the seconds it took. */
  async open(): Promise<number> {
    const startMs = nowMs();
    await Promise.all(
      this.#senders.map(async (sender, stream) => {
        const records = this.#folder.records(stream);
        const ids = Buffer.alloc((records.length / CHANNEL_RECORD.bytes) * 32);
        for (let at = 0, to = 0; at < records.length; at += CHANNEL_RECORD.bytes, to += 32) {
          ids.set(records.subarray(at, at + 32), to);
        }
        await sender.open(ids);
      }),
    );
    return (nowMs() - startMs) / 1_000;
  }

  /** Runs one phase to its end, answers included. Throws when a stream is lost. */
  async phase(order: PhaseOrder, onStart: (startMs: number) => void): Promise<PhaseResult> {
    await Promise.all(this.#senders.map((sender) => sender.source.fill()));
    const cpuBefore = process.cpuUsage();
    this.#tally = newTally();
    this.#latency = new Histogram();
    this.#ackedInTime = 0;
    const startMs = nowMs();
    this.#endMs = startMs + order.seconds * 1_000;
    onStart(startMs);
    const outcome = await this.#send(order, startMs);
    const endMs = Math.min(nowMs(), this.#endMs);
    this.#endMs = endMs;
    const cpu = process.cpuUsage(cpuBefore);
    const behindSeconds = this.#behindSeconds(order, startMs, endMs);
    await this.#drain();
    const timesFile = join(this.order.folder, `times-${order.name}.f64`);
    this.#times.save(timesFile);
    this.save();
    return {
      name: order.name,
      startMs,
      endMs,
      sent: this.#tally.sent,
      acked: this.#tally.acked,
      refused: this.#tally.refused,
      ackedInTime: this.#ackedInTime,
      latency: this.#latency.counts,
      behindSeconds,
      ...outcome,
      framesSent: this.#senders.map(({ source }) => source.position),
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      timesFile,
    };
  }

  /** Writes the ack log of all streams. */
  save(): void {
    for (const [stream, { log }] of this.#senders.entries()) log.save(this.order.folder, stream);
  }

  /** Frames without an answer. */
  get unanswered(): number {
    return this.#framesOut;
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
  }

  #dueFrames({ mode }: PhaseOrder, startMs: number, atMs: number): number {
    if (mode.kind === 'window') return Number.POSITIVE_INFINITY;
    return (
      Math.floor(((atMs - startMs) * mode.itemsPerSecond) / this.order.plan.batchItems / 1_000) + 1
    );
  }

  // Time that the frames need at the phase's rate which were due and have no answer.
  #behindSeconds(order: PhaseOrder, startMs: number, atMs: number): number {
    if (order.mode.kind === 'window') return 0;
    const due = this.#dueFrames(order, startMs, atMs);
    const frames = Math.max(0, due - this.#tally.answeredFrames);
    return (frames * this.order.plan.batchItems) / order.mode.itemsPerSecond;
  }

  #isHopeless(order: PhaseOrder, startMs: number, atMs: number): boolean {
    if (this.#behindSeconds(order, startMs, atMs) > HOPELESS_SECONDS) return true;
    const { mode } = order;
    return (
      mode.kind === 'rate' &&
      mode.untilRefused === true &&
      Object.keys(this.#tally.refused).length > 0
    );
  }

  async #send(
    order: PhaseOrder,
    startMs: number,
  ): Promise<{ gaveUp: boolean; exhausted: boolean }> {
    const { mode } = order;
    const { batchItems } = this.order.plan;
    let frames = 0;
    while (true) {
      if (this.#lost !== undefined) throw new Error(`a stream was lost: ${this.#lost}`);
      const now = nowMs();
      if (now >= this.#endMs) return { gaveUp: false, exhausted: false };
      const due = this.#dueFrames(order, startMs, now);
      while (
        frames < due &&
        !(mode.kind === 'window' && this.#framesOut * batchItems >= mode.items)
      ) {
        const dueMs =
          mode.kind === 'window'
            ? nowMs()
            : startMs + (frames * batchItems * 1_000) / mode.itemsPerSecond;
        const done = this.#sendOne(dueMs);
        if (done === 'exhausted') return { gaveUp: false, exhausted: true };
        if (done === 'later') break;
        frames += 1;
      }
      if (this.#isHopeless(order, startMs, now)) return { gaveUp: true, exhausted: false };
      await sleep(TICK_MS);
    }
  }

  // Streams take turns; one that is not writable is passed over.
  #sendOne(dueMs: number): 'sent' | 'later' | 'exhausted' {
    for (let tried = 0; tried < this.#senders.length; tried++) {
      const sender = this.#senders[this.#turn++ % this.#senders.length];
      if (sender === undefined || !sender.writable) continue;
      const done = sender.send(dueMs);
      if (done === 'later') continue;
      if (done === 'sent') {
        this.#framesOut += 1;
        this.#tally.sent += this.order.plan.batchItems;
      }
      return done;
    }
    return 'later';
  }

  async #drain(): Promise<void> {
    const untilMs = nowMs() + ANSWERS_MS;
    while (this.#framesOut > 0 && nowMs() < untilMs) {
      if (this.#lost !== undefined) throw new Error(`a stream was lost: ${this.#lost}`);
      await sleep(TICK_MS);
    }
  }
}

function newTally(): Tally {
  return { sent: 0, acked: 0, answeredFrames: 0, refused: {} };
}

import type { FlushAck } from '#libs/contracts';
import { PACKED_RECEIPT, Reason } from '#libs/contracts';
import { unitsAt } from '../corpus/claims.js';
import type { CorpusFolder } from '../corpus/corpus-folder.js';
import { FIRST_FRAME_SEQUENCE } from '../corpus/frame-maker.js';
import { channelsOfStream } from '../corpus/plan.js';
import { AckLog, FRAME } from './ack-log.js';
import { nowMs } from './clock.js';
import { FrameSource } from './frame-source.js';
import { PackedStream } from './packed-stream.js';

/** Told about each answered frame. */
export type OnAnswer = (answer: {
  readonly dueMs: number;
  readonly atMs: number;
  readonly acked: number;
}) => void;

/** What a {@link Sender} tells. */
export type SenderEvents = {
  readonly onAnswer: OnAnswer;
  readonly onRefused: (reason: string) => void;
  readonly onFlush: (atMs: number, items: number, ack: FlushAck) => void;
  readonly onLost: (reason: string) => void;
};

/** One stream of the corpus, its frames and its ack log. */
export class Sender {
  readonly log: AckLog;
  readonly source: FrameSource;
  readonly #stream: PackedStream;
  /** When each frame was due. */
  readonly #dueMs: Float64Array;
  readonly #items: number;

  constructor(
    folder: CorpusFolder,
    stream: number,
    target: { readonly address: string; readonly session: string },
    private readonly events: SenderEvents,
  ) {
    const { plan } = folder;
    this.#items = plan.batchItems;
    this.log = new AckLog(plan.framesMax, channelsOfStream(plan));
    this.source = new FrameSource(folder, stream);
    this.#dueMs = new Float64Array(plan.framesMax);
    this.#stream = new PackedStream(target.address, target.session, {
      onAck: (ack) => this.#acked(ack),
      onLost: events.onLost,
    });
  }

  /** Opens the handles of all channels of the stream. */
  async open(ids: Buffer): Promise<void> {
    await this.#stream.open(ids);
    await this.source.fill();
  }

  /** True when a frame may be sent now. */
  get writable(): boolean {
    return this.#stream.writable;
  }

  /** Sends the next frame, which was due at this time. Says what hindered it. */
  send(dueMs: number): 'sent' | 'later' | 'exhausted' {
    const number = this.source.position;
    const frame = this.source.take();
    if (frame === 'later') return 'later';
    if (frame === undefined) return 'exhausted';
    this.#dueMs[number] = dueMs;
    this.log.frames[number] = FRAME.sent;
    this.#stream.send(frame);
    return 'sent';
  }

  close(): void {
    this.#stream.close();
  }

  #acked(ack: FlushAck): void {
    const atMs = nowMs();
    const { receipts } = ack;
    for (let at = 0; at < receipts.length; at += PACKED_RECEIPT.bytes) {
      const handle = receipts.readUInt32BE(at + PACKED_RECEIPT.handle);
      const units = unitsAt(receipts, at + PACKED_RECEIPT.acceptedUnits);
      if (units > (this.log.receipts[handle] ?? 0)) this.log.receipts[handle] = units;
    }
    let items = 0;
    for (const { sequence, refused } of ack.batches) {
      const frame = Number(sequence - FIRST_FRAME_SEQUENCE);
      if (this.log.frames[frame] !== FRAME.sent) {
        this.events.onLost(`a frame ${frame} was answered that was not waiting for an answer`);
        return;
      }
      this.log.frames[frame] = FRAME.answered;
      for (const { item, refusal } of refused) {
        this.log.refused.push(frame, item);
        this.events.onRefused(Reason[refusal?.reason ?? 0] ?? 'UNKNOWN');
      }
      const acked = this.#items - refused.length;
      items += acked;
      this.events.onAnswer({ dueMs: this.#dueMs[frame] ?? 0, atMs, acked });
    }
    this.events.onFlush(atMs, items, ack);
  }
}

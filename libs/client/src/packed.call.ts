import {
  type FlushAck,
  type HandlesOpened,
  LEDGER_PARTITIONS,
  PackedFormatError,
  type Refusal as RefusalMessage,
  reasonFromWire,
  type StreamPackedRequest,
} from '#libs/contracts';
import { LIMITS, partitionOf, type Refusal, refuse, type Units } from '#libs/domain';
import { toBuffer } from './bytes.js';
import type { PaymentOutcome, Payments } from './outcomes.js';
import {
  offsetsOf,
  type PackedItem,
  packPayments,
  readAccepted,
  readReceipts,
} from './packed.codec.js';

/** A channel's id as the key of a map: a character per byte. */
export function channelKey(id: Uint8Array): string {
  return toBuffer(id).toString('latin1');
}

/** What one call knows of a channel. */
export type Handle = {
  readonly no: number;
  readonly channelId: Buffer;
  readonly partition: number;
  isOpen: boolean;
  acceptedUnits: Units;
  tickIndex: bigint;
  /** Of the log record that raised the channel last on this call; -1 before. */
  offset: bigint;
};

/** Answers to one batch, by the positions of its payments. */
export type BatchAnswer<Entry> = {
  readonly entry: Entry;
  readonly outcomes: readonly PaymentOutcome[];
};

type Sent<Entry> = {
  readonly entry: Entry;
  readonly items: readonly PackedItem[];
  readonly refused: ReadonlyMap<number, Refusal>;
};

/**
 * The state of one StreamPacked call: its handles, what was asked on it and what it has answered. It does
 * no I/O. Handles and sequences begin anew with each call.
 */
export class PackedCall<Entry> {
  readonly #handles = new Map<string, Handle>();
  readonly #byNo: Handle[] = [];
  readonly #asked = new Map<bigint, { readonly handles: Handle[]; readonly atMs: number }>();
  readonly #sent = new Map<bigint, Sent<Entry>>();
  #sequence = 0n;

  constructor(private readonly handlesMax: number = LIMITS.handlesPerStreamMax) {}

  handle(key: string): Handle | undefined {
    return this.#handles.get(key);
  }

  /** How many more channels this call takes. */
  get room(): number {
    return this.handlesMax - this.#byNo.length;
  }

  /** Numbers that stand for no channel, since its handle was refused; this call has no use for them any more. */
  get wasted(): number {
    return this.#byNo.length - this.#handles.size;
  }

  /** When the oldest unanswered OpenHandles went out. */
  get askedAtMs(): number | undefined {
    return this.#asked.values().next().value?.atMs;
  }

  /** The request that opens handles for up to 4096 channels without one. */
  open(channelIds: readonly Buffer[], nowMs: number): StreamPackedRequest {
    const handles = channelIds.map((channelId) => {
      const handle: Handle = {
        no: this.#byNo.length,
        channelId,
        partition: partitionOf(channelId, LEDGER_PARTITIONS),
        isOpen: false,
        acceptedUnits: 0n,
        tickIndex: 0n,
        offset: -1n,
      };
      this.#byNo.push(handle);
      this.#handles.set(channelKey(channelId), handle);
      return handle;
    });
    const sequence = this.#next();
    this.#asked.set(sequence, { handles, atMs: nowMs });
    const value = { channelIds: Buffer.concat(channelIds) };
    return { sequence, content: { $case: 'open', value } };
  }

  /** Takes the answer; returns the channels that got no handle. Throws when it does not fit. */
  opened(answer: HandlesOpened): ReadonlyMap<string, Refusal> {
    const asked = this.#asked.get(answer.sequence)?.handles;
    if (asked === undefined) throw new PackedFormatError('handles that were not asked for');
    const accepted = readAccepted(answer);
    if (accepted.length !== asked.length || answer.firstHandle !== BigInt(asked[0]?.no ?? 0)) {
      throw new PackedFormatError('the handles opened are not those asked for');
    }
    this.#asked.delete(answer.sequence);
    const refused = new Map<string, Refusal>();
    for (const { item, refusal } of answer.refused) {
      const handle = asked[item];
      if (handle === undefined) throw new PackedFormatError(`no channel ${item} was asked for`);
      const key = channelKey(handle.channelId);
      refused.set(key, refusalOf(refusal));
      // Its handle stays unusable, and the channel may come to be: it gets another one when next paid.
      this.#handles.delete(key);
    }
    for (const [at, handle] of asked.entries()) {
      Object.assign(handle, accepted[at]);
      handle.isOpen = true;
    }
    return refused;
  }

  /**
   * Packs payments whose channels have been asked for. Returns the request, or the outcomes when
   * nothing of them can be sent.
   */
  batch(
    entry: Entry,
    payments: Payments,
    unopened: ReadonlyMap<string, Refusal>,
  ): StreamPackedRequest | readonly PaymentOutcome[] {
    const packed = packPayments(payments, (channelId) => {
      if (channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
      const key = channelKey(channelId);
      const handle = this.#handles.get(key);
      // One that is only asked for may be refused yet, and its number would then stand for nothing.
      if (handle?.isOpen) return handle.no;
      return unopened.get(key) ?? refuse('UNAVAILABLE', 'the channel has no handle');
    });
    const { items, refused } = packed;
    if (items.length === 0) return this.#outcomes({ entry, items, refused }, new Map());
    const sequence = this.#next();
    this.#sent.set(sequence, { entry, items, refused });
    return { sequence, content: { $case: 'batch', value: packed.batch } };
  }

  /** Takes the acknowledgement of a flush; returns what it answers. Throws when it does not fit. */
  acked(ack: FlushAck): BatchAnswer<Entry>[] {
    const offsets = offsetsOf(ack.positions);
    for (const { handle: no, acceptedUnits } of readReceipts(ack.receipts)) {
      const handle = this.#byNo[no];
      if (handle === undefined) throw new PackedFormatError(`a receipt for no handle: ${no}`);
      if (acceptedUnits > handle.acceptedUnits) handle.acceptedUnits = acceptedUnits;
      handle.offset = offsets.get(handle.partition) ?? handle.offset;
    }
    return ack.batches.flatMap(({ sequence, refused }) => {
      const sent = this.#sent.get(sequence);
      if (sent === undefined) return [];
      this.#sent.delete(sequence);
      const byItem = new Map(refused.map(({ item, refusal }) => [item, outcomeOf(refusal)]));
      return [{ entry: sent.entry, outcomes: this.#outcomes(sent, byItem) }];
    });
  }

  #outcomes(
    { items, refused }: Sent<Entry>,
    byItem: ReadonlyMap<number, PaymentOutcome>,
  ): PaymentOutcome[] {
    const outcomes = new Array<PaymentOutcome>(items.length + refused.size);
    for (const [position, refusal] of refused) outcomes[position] = outcomeOf(refusal);
    for (const [item, { position, handle, units }] of items.entries()) {
      outcomes[position] = byItem.get(item) ?? this.#receipt(handle, units);
    }
    return outcomes;
  }

  // An item that is not refused is answered by its channel's receipt, of this flush or of one before.
  #receipt(no: number, units: Units): PaymentOutcome {
    const handle = this.#byNo[no];
    if (handle === undefined || handle.offset < 0n || handle.acceptedUnits < units) {
      return outcomeOf(refuse('OUTCOME_UNKNOWN', 'accepted without a receipt'));
    }
    const { channelId, acceptedUnits, partition, offset } = handle;
    return { status: 'accepted', receipt: { channelId, acceptedUnits, partition, offset } };
  }

  #next(): bigint {
    this.#sequence += 1n;
    return this.#sequence;
  }
}

function refusalOf(message: RefusalMessage | undefined): Refusal {
  // A reason that a newer server made up is not ours to interpret: the outcome is unknown.
  const reason = message === undefined ? undefined : reasonFromWire(message.reason);
  return refuse(reason ?? 'OUTCOME_UNKNOWN', message?.detail ?? 'an empty refusal');
}

function outcomeOf(refusal: Refusal | RefusalMessage | undefined): PaymentOutcome {
  if (refusal !== undefined && 'ok' in refusal) {
    const { reason, detail } = refusal;
    return { status: 'refused', reason, detail, acceptedUnits: 0n };
  }
  const { reason, detail } = refusalOf(refusal);
  return { status: 'refused', reason, detail, acceptedUnits: refusal?.acceptedUnits ?? 0n };
}

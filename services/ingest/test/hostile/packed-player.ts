import { pino } from 'pino';
import { type FlushAck, PACKED_RECEIPT, reasonFromWire } from '#libs/contracts';
import { addressFromBytes } from '#libs/domain';
import { PackedStream } from '../../src/grpc/packed-stream.js';
import type { Fixture } from '../fixture.js';
import { Pipe, type PipeAnswer } from './pipe.js';
import type { Plan, Planner } from './plans.js';
import { openMessageBytes, type PackedFields, packedFields, packedMessage } from './protobuf.js';
import { mutate } from './random.js';
import { assertFine, type HostileScene } from './scene.js';
import { cutVerdict, isReason, type Told, Truth } from './truth.js';

const logger = pino({ level: 'silent' });
const SESSION_MS = 3_600_000n;

/** A hostile client of the packed stream. */
export class PackedPlayer {
  #pipe: Pipe | undefined;
  #handles = 0;
  #sequence = 0n;

  constructor(
    private readonly fixture: Fixture,
    private readonly scene: HostileScene,
    private readonly planner: Planner,
  ) {}

  hangUp(): void {
    this.#pipe?.emit('close');
    this.#pipe = undefined;
  }

  /** Records of the right sizes; what becomes of each is foretold. */
  async records(): Promise<void> {
    const pipe = await this.#stream();
    const plan = this.planner.plan(this.scene);
    const bytes = packedMessage(++this.#sequence, packedFields(plan));
    const answer = await pipe.ask(bytes);
    assertFine(this.#judge(plan, answer), bytes);
  }

  /** Records that cannot be cut, or are too many, or say something else than they were made for. */
  async oddRecords(): Promise<void> {
    const pipe = await this.#stream();
    const fields = this.#oddFields(packedFields(this.planner.plan(this.scene)));
    const bytes = packedMessage(++this.#sequence, fields);
    const answer = await pipe.ask(bytes);
    const expected = cutVerdict(fields);
    const complaints = this.#raise(receiptsOf(answer));
    if (answer.error !== expected) complaints.push(`${answer.error} and not ${expected}`);
    assertFine(complaints, bytes);
    if (answer.error !== undefined) this.hangUp();
  }

  /** A message of which bits, bytes or lengths were changed: nobody knows what it says now. */
  async brokenMessage(): Promise<void> {
    const pipe = await this.#stream();
    const { random } = this.scene;
    const fields = packedFields(this.planner.plan(this.scene));
    const whole = random.oneIn(20)
      ? random.bytes(random.below(300))
      : packedMessage(++this.#sequence, fields);
    const bytes = mutate(random, whole);
    const answer = await pipe.ask(bytes);
    const complaints = this.#raise(receiptsOf(answer));
    if (answer.error !== undefined && !isReason(answer.error)) complaints.push(answer.error);
    this.hangUp();
    assertFine(complaints, bytes);
  }

  /** Handles for channels, some of them more than once, or of ids that are none. */
  async handles(): Promise<void> {
    const pipe = await this.#stream();
    const { random, named } = this.scene;
    const count = random.below(5) + 1;
    const ids = Buffer.concat(
      Array.from({ length: count }, () =>
        random.oneIn(3) ? random.bytes(32) : random.pick(named).id,
      ),
    );
    if (!random.oneIn(3)) await this.#open(pipe, ids);
    else {
      const bytes = openMessageBytes(
        ++this.#sequence,
        ids.subarray(0, random.pick([0, 31, ids.length - 1])),
      );
      const { error } = await pipe.ask(bytes);
      assertFine(error === 'MALFORMED' ? [] : [`told ${error}`], bytes);
    }
    this.hangUp();
  }

  /** The stream, with a handle for every channel of the scene. */
  async #stream(): Promise<Pipe> {
    if (this.#pipe !== undefined) return this.#pipe;
    // A peer and an account of its own each time: the failures of one are not to hide the next case from the core.
    const pipe = new Pipe(`hostile-${this.scene.random.uint32()}:1`);
    const { table, lookup, clock, core } = this.fixture;
    const account = addressFromBytes(this.scene.random.bytes(20));
    const validUntilMs = clock.nowMs() + SESSION_MS;
    const session = { account, validUntilMs, signature: new Uint8Array(64) };
    new PackedStream(pipe.asCall(), session, { ...core, table, lookup, clock, logger });
    this.#pipe = pipe;
    this.#handles = 0;
    await this.#open(pipe, Buffer.concat(this.scene.named.map(({ id }) => id)));
    return pipe;
  }

  async #open(pipe: Pipe, ids: Buffer): Promise<void> {
    const bytes = openMessageBytes(++this.#sequence, ids);
    const { error, responses } = await pipe.ask(bytes);
    const content = responses.at(-1)?.content;
    if (content?.$case !== 'opened') {
      assertFine([`not opened: ${error}`], bytes);
      return;
    }
    const { firstHandle, accepted, refused } = content.value;
    const complaints: string[] = [];
    if (Number(firstHandle) !== this.#handles) complaints.push(`first handle ${firstHandle}`);
    this.#handles += ids.length / 32;
    const reasons = new Map(
      refused.map(({ item, refusal }) => [item, refusal && reasonFromWire(refusal.reason)]),
    );
    for (let at = 0; at < ids.length / 32; at++) {
      const channel = this.scene.byId(ids.subarray(at * 32, at * 32 + 32));
      const closed = channel?.facts.state === 'closed' ? 'CHANNEL_CLOSED' : undefined;
      const expected = channel === undefined ? 'CHANNEL_UNKNOWN' : closed;
      if (reasons.get(at) !== expected) complaints.push(`id ${at}: ${reasons.get(at)}`);
      const owed = expected === undefined ? channel?.facts.acceptedUnits : 0n;
      const units = accepted.readBigInt64BE(at * 16);
      if (units !== owed) complaints.push(`id ${at} owes ${owed}, told ${units}`);
    }
    assertFine(complaints, bytes);
  }

  #judge(plan: Plan, answer: PipeAnswer): string[] {
    if (answer.error !== undefined) return [`the stream ended with ${answer.error}`];
    const batch = acksOf(answer).flatMap(({ batches }) => batches)[0];
    if (batch?.sequence !== this.#sequence) return [`answer to ${batch?.sequence}`];
    const receipts = receiptsOf(answer);
    const refused = new Map(
      batch.refused.map(({ item, refusal }) => [item, refusal && reasonFromWire(refusal.reason)]),
    );
    const told = handlesOf(plan).map((handle, item): Told => {
      const reason = refused.get(item);
      return reason === undefined ? { accepted: receipts.get(handle) ?? 0n } : { refused: reason };
    });
    const lookup = ({ handle }: { handle: number }) => {
      const { channel } = this.scene.named[handle] ?? {};
      return channel?.facts.state === 'closed' ? undefined : channel;
    };
    const truth = new Truth(this.scene.payers, 'packed', lookup, this.scene.nowMs);
    // Judged by what was accepted before.
    const complaints = truth.judge(plan, told);
    return [...complaints, ...this.#raise(receipts)];
  }

  #raise(receipts: ReadonlyMap<number, bigint>): string[] {
    return [...receipts].flatMap(([handle, units]) =>
      this.scene.raise(this.scene.named[handle]?.channel, units),
    );
  }

  #oddFields(fields: PackedFields): PackedFields {
    const { random } = this.scene;
    const field = random.pick(['vouchers', 'ticks', 'bundles'] as const);
    const bytes = fields[field];
    const nothing = Buffer.alloc(0);
    switch (random.below(8)) {
      case 0:
        return { vouchers: nothing, ticks: nothing, bundles: nothing };
      case 1:
        return { ...fields, [field]: Buffer.concat([bytes, random.bytes(random.below(90))]) };
      case 2:
        return { ...fields, [field]: bytes.subarray(0, random.below(bytes.length + 1)) };
      case 3:
        return random.oneIn(40) ? { ...fields, ticks: Buffer.alloc(40 * 4_097, 1) } : fields;
      case 4: {
        const bundles = Buffer.concat([fields.bundles, Buffer.alloc(76 + 12 * random.below(4))]);
        bundles.writeUInt32BE(random.pick([0, 1, 257, 0xffff_ffff]), fields.bundles.length + 72);
        return { ...fields, bundles };
      }
      case 5: {
        const bundles = Buffer.from(fields.bundles);
        const count = random.pick([0, 1, 2, 256, 257, 0x8000_0000]);
        if (bundles.length > 0) bundles.writeUInt32BE(count, 72);
        return { ...fields, bundles };
      }
      default:
        return { ...fields, [field]: mutate(random, bytes) };
    }
  }
}

function acksOf({ responses }: PipeAnswer): FlushAck[] {
  return responses.flatMap(({ content }) => (content?.$case === 'ack' ? [content.value] : []));
}

/** The newest receipt of each handle. */
function receiptsOf(answer: PipeAnswer): Map<number, bigint> {
  const receipts = new Map<number, bigint>();
  for (const { receipts: bytes } of acksOf(answer)) {
    for (let at = 0; at < bytes.length; at += PACKED_RECEIPT.bytes) {
      receipts.set(bytes.readUInt32BE(at), bytes.readBigInt64BE(at + 4));
    }
  }
  return receipts;
}

function handlesOf({ vouchers, ticks, bundles }: Plan): number[] {
  return [
    ...vouchers.map(({ handle }) => handle),
    ...ticks.map(({ handle }) => handle),
    ...bundles.flatMap(({ entries }) => entries.map(({ handle }) => handle)),
  ];
}

import { pino } from 'pino';
import type { LogEntry } from '#libs/contracts';
import type { Reason } from '#libs/domain';
import { FakeClock } from '#libs/testing';
import { Admission } from '../src/application/admission.js';
import { ChannelDirectory } from '../src/application/channel-directory.js';
import { ChannelLookup } from '../src/application/channel-lookup.js';
import { FlushWriter } from '../src/application/flush-writer.js';
import { Flusher } from '../src/application/flusher.js';
import type { Books, IngestMeter, VerifyClaims, VoucherLog } from '../src/application/ports.js';
import { PostVouchersService } from '../src/application/post-vouchers.service.js';
import { Senders } from '../src/application/senders.js';
import { EventLoopVerifier } from '../src/crypto/event-loop.verifier.js';
import type { ChannelFacts } from '../src/domain/channel.js';
import type { Claim, Outcome } from '../src/domain/claim.js';
import {
  FAR_FUTURE_MS,
  newChannel,
  PARTITIONS,
  SIGNING,
  type TestChannel,
  voucherOf,
} from './factory.js';

type Records = ReadonlyMap<number, readonly LogEntry[]>;

/** A voucher log in memory whose writes can be held back or made to fail. */
export class FakeLog implements VoucherLog {
  readonly written: Records[] = [];
  failure: Error | undefined;
  /** When set, writes wait for it. */
  gate: Promise<void> | undefined;
  /** Called when a write arrives, before the gate. */
  onAppend: () => void = () => undefined;
  #offset = 0n;

  async append(records: Records): Promise<ReadonlyMap<number, bigint>> {
    this.onAppend();
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.written.push(records);
    const offset = this.#offset++;
    return new Map([...records.keys()].map((partition) => [partition, offset]));
  }

  entries(): LogEntry[] {
    return this.written.flatMap((records) => [...records.values()].flat());
  }
}

/** Books in memory that count the questions. */
export class FakeBooks implements Books {
  readonly facts = new Map<string, ChannelFacts>();
  asked = 0;
  failure: Error | undefined;

  channel(channelId: Uint8Array): Promise<ChannelFacts | undefined> {
    this.asked++;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve(this.facts.get(Buffer.from(channelId).toString('hex')));
  }

  hold({ facts }: TestChannel): void {
    this.facts.set(Buffer.from(facts.id).toString('hex'), facts);
  }
}

class TallyMeter implements IngestMeter {
  readonly acceptedCount = { voucher: 0, tick: 0 };
  readonly refusals = new Map<Reason, number>();
  itemsInFlight = 0;

  accepted(kind: Claim['kind'], count: number): void {
    this.acceptedCount[kind] += count;
  }
  refused(_kind: Claim['kind'], reason: Reason, count: number): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + count);
  }
  inFlight(items: number): void {
    this.itemsInFlight = items;
  }
  queued(): void {}
  flushed(): void {}
  produced(): void {}
  lookedUp(): void {}
}

/** The service with real domain, real signatures, and memory in place of Kafka and the books. */
export class Fixture {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly books = new FakeBooks();
  readonly meter = new TallyMeter();
  readonly directory = new ChannelDirectory(PARTITIONS);
  readonly verified: Claim[] = [];
  readonly service: PostVouchersService;

  constructor() {
    const { clock, log, books, meter, directory } = this;
    const real = new EventLoopVerifier(SIGNING);
    const verifier: VerifyClaims = {
      verify: (claims) => {
        this.verified.push(...claims);
        return real.verify(claims);
      },
    };
    const writer = new FlushWriter(directory, log, clock, meter, pino({ level: 'silent' }));
    const flusher = new Flusher({ directory, verifier, writer, clock, meter, windowMs: 1 });
    flusher.start();
    this.service = new PostVouchersService({
      admission: new Admission(meter),
      senders: new Senders(clock),
      directory,
      lookup: new ChannelLookup(books, directory, clock, meter),
      flusher,
      writer,
      clock,
      meter,
    });
    this.mark();
  }

  /** All partitions are told that they know everything up to now. */
  mark(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.directory.mark(partition, this.clock.nowMs());
    }
  }

  /** A channel that the directory knows. */
  open(change: Partial<ChannelFacts> = {}): TestChannel {
    const channel = newChannel(change);
    this.directory.learn(channel.facts);
    return channel;
  }

  /** A good voucher, valid for a year. */
  voucher(channel: TestChannel, cumulativeUnits: bigint, signer = channel.payer) {
    return voucherOf(channel, cumulativeUnits, this.clock.nowMs() + FAR_FUTURE_MS, signer);
  }

  /** Posts payments and returns their outcomes; a refusal of the whole is an error here. */
  async post(
    payments: Partial<Parameters<PostVouchersService['post']>[0]>,
    connection = 'test:1',
  ): Promise<Outcome[]> {
    const result = await this.service.post({ vouchers: [], ticks: [], ...payments }, connection);
    if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
    return result.value;
  }

  /** The same as short words: the accepted amount, or the reason. */
  async results(...args: Parameters<Fixture['post']>): Promise<(bigint | Reason)[]> {
    const outcomes = await this.post(...args);
    return outcomes.map((outcome) => (outcome.ok ? outcome.acceptedUnits : outcome.reason));
  }
}

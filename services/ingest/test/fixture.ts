import { pino } from 'pino';
import { decodeLogRecord, type LogBlock } from '#libs/contracts';
import type { KeyPair } from '#libs/crypto';
import type { Reason } from '#libs/domain';
import { hostsBut } from '#libs/grpc';
import { FakeClock } from '#libs/testing';
import { ChannelDirectory } from '../src/application/channel-directory.js';
import { ChannelLookup } from '../src/application/channel-lookup.js';
import { type IngestCore, ingestCore } from '../src/application/ingest-core.js';
import { OpenQuestions } from '../src/application/open-questions.js';
import type { Books, BooksAnswer, IngestMeter, VoucherLog } from '../src/application/ports.js';
import type { Payments, PostVouchersService } from '../src/application/post-vouchers.service.js';
import { EventLoopVerifier } from '../src/crypto/event-loop.verifier.js';
import type { ProofBatch, ProofVerifier } from '../src/crypto/proof-verifier.js';
import type { ChannelFacts } from '../src/domain/channel.js';
import { ChannelTable } from '../src/domain/channel-table.js';
import type { ClaimKind, Outcome } from '../src/domain/claim.js';
import {
  bundleOf,
  channelsOfOnePayer,
  FAR_FUTURE_MS,
  newChannel,
  PARTITIONS,
  SIGNING,
  type TestChannel,
  voucherOf,
} from './factory.js';

type Records = ReadonlyMap<number, Buffer>;

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

  entries(): LogBlock[] {
    return this.written.flatMap((records) => [...records.values()].flatMap(decodeLogRecord));
  }
}

/** Books in memory that count the questions. */
export class FakeBooks implements Books {
  readonly facts = new Map<string, ChannelFacts>();
  /** Channels that were asked for. */
  asked = 0;
  failure: Error | undefined;

  channels(ids: readonly Uint8Array[]): Promise<BooksAnswer> {
    this.asked += ids.length;
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const known = ids.flatMap((id) => this.facts.get(Buffer.from(id).toString('hex')) ?? []);
    return Promise.resolve({ known, unreadable: [] });
  }

  hold({ facts }: TestChannel): void {
    this.facts.set(Buffer.from(facts.id).toString('hex'), facts);
  }
}

class TallyMeter implements IngestMeter {
  readonly acceptedCount: Record<ClaimKind, number> = { voucher: 0, tick: 0, bundle: 0 };
  readonly refusals = new Map<Reason, number>();
  itemsInFlight = 0;

  accepted(kind: ClaimKind, count: number): void {
    this.acceptedCount[kind] += count;
  }
  refused(_kind: ClaimKind, reason: Reason, count: number): void {
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

/** Counts the proofs that are asked for, and may fail. */
export class CountingVerifier implements ProofVerifier {
  readonly #real = new EventLoopVerifier(SIGNING);
  verified = 0;
  failure: Error | undefined;
  /** When set, checks wait for it. */
  gate: Promise<void> | undefined;

  batch(): ProofBatch {
    return this.#real.batch();
  }

  async verify(batch: ProofBatch): Promise<Uint8Array> {
    this.verified += batch.size;
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return this.#real.verify(batch);
  }

  close(): Promise<void> {
    return this.#real.close();
  }
}

/** The core with real domain, real signatures, and memory in place of Kafka and the books. */
export class Fixture {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly books = new FakeBooks();
  readonly meter = new TallyMeter();
  readonly table = new ChannelTable({ partitions: PARTITIONS, rowsMax: 4_096 });
  readonly questions = new OpenQuestions();
  readonly directory = new ChannelDirectory(this.table, this.questions, this.clock);
  readonly lookup: ChannelLookup;
  readonly verifier = new CountingVerifier();
  readonly core: IngestCore;
  readonly service: PostVouchersService;

  constructor() {
    const { clock, log, books, meter, table, questions, verifier } = this;
    const logger = pino({ level: 'silent' });
    this.lookup = new ChannelLookup({ books, table, questions, clock, meter });
    const { lookup } = this;
    const outside = { table, lookup, verifier, log, clock, meter, logger };
    this.core = ingestCore({ ...outside, windowMs: 1, hostOf: hostsBut([]) });
    this.core.flusher.start();
    this.service = this.core.service;
    this.mark();
  }

  /** All partitions are told that they know everything up to now. */
  mark(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.directory.mark(partition, Number(this.clock.nowMs()));
    }
  }

  /** A channel that the table knows. */
  open(change: Partial<ChannelFacts> = {}): TestChannel {
    const channel = newChannel(change);
    this.table.learn(channel.facts);
    return channel;
  }

  /** A good voucher, valid for a year. */
  voucher(channel: TestChannel, cumulativeUnits: bigint, signer = channel.payer) {
    return voucherOf(channel, cumulativeUnits, this.clock.nowMs() + FAR_FUTURE_MS, signer);
  }

  /** A good bundle, valid for a year. */
  bundle(payments: readonly (readonly [TestChannel, bigint])[], signer?: KeyPair) {
    return bundleOf(payments, this.clock.nowMs() + FAR_FUTURE_MS, signer);
  }

  /** Channels that the table knows and that one bundle may pay together. */
  openTogether(count: number, change: Partial<ChannelFacts> = {}): TestChannel[] {
    const channels = channelsOfOnePayer(count, change);
    for (const { facts } of channels) this.table.learn(facts);
    return channels;
  }

  /** Holds the log's writes back until `open` is called; `writing` resolves when one has arrived. */
  hold() {
    let open = () => {};
    let arrived = () => {};
    const writing = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    this.log.onAppend = arrived;
    this.log.gate = new Promise((resolve) => {
      open = resolve;
    });
    return { open: () => open(), writing };
  }

  /** Posts payments and returns their outcomes; a refusal of the whole is an error here. */
  async post(payments: Partial<Payments>, connection = 'test:1'): Promise<Outcome[]> {
    const result = await this.service.post(
      { vouchers: [], ticks: [], bundles: [], ...payments },
      this.core.senders.ofConnection(connection),
    );
    if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
    return result.value;
  }

  /** The same as short words: the accepted amount, or the reason. */
  async results(...args: Parameters<Fixture['post']>): Promise<(bigint | Reason)[]> {
    const outcomes = await this.post(...args);
    return outcomes.map((outcome) => (outcome.ok ? outcome.acceptedUnits : outcome.reason));
  }
}

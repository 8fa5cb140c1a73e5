import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isTransient,
  LedgerClient,
  LedgerRefusal,
  owedAtLeast,
  type PackedStream,
  type PaymentResults,
  type Payments,
  VoucherClient,
  type VoucherStream,
} from '#libs/client';
import { toHex } from '#libs/domain';
import { randomOf } from '../../../../load-tests/src/bench/corpus/draws.js';
import { chainOf, openChannels, type PaidChannel } from './accounts.js';
import { AckLogWriter, type Way } from './ack-log.js';
import { ackLogFile, channelsFile, type LoadOrder } from './order.js';
import { type Batch, Payer, ticksLeft } from './payer.js';

const TICK_MS = 10;
/** Batches without an answer. While the system is down nothing beyond that is sent, so that the payer survives it. */
const IN_FLIGHT_MAX = 64;
/** Share of batches that are sent a second time, by another way. */
const TWICE = 0.1;
const CHAIN_RETRY_MS = 250;

/** Quick to notice a dead server, patient enough for a broker that comes back. */
const POLICY = { deadlineMs: 3_000, retryForMs: 60_000, backoffMinMs: 25, backoffMaxMs: 200 };

type Sender = {
  readonly way: Way;
  readonly send: (payments: Payments) => Promise<PaymentResults>;
};

/**
 * Pays in an open loop over the packed stream, the typed stream and single calls, and keeps the log of
 * acknowledgements. It knows nothing of crashes: to it servers come and go.
 */
export class Load {
  readonly #log: AckLogWriter;
  readonly #payer: Payer;
  readonly #random: () => number;
  readonly #packed: PackedStream;
  readonly #typed: VoucherStream;
  readonly #senders: readonly Sender[];
  readonly #generations = new Map<PaidChannel, number>();
  #inFlight = 0;
  #stopping = false;

  private constructor(
    private readonly order: LoadOrder,
    private readonly ledger: LedgerClient,
    private readonly vouchers: VoucherClient,
    private readonly channels: readonly PaidChannel[],
  ) {
    this.#log = new AckLogWriter(ackLogFile(order.folder));
    this.#random = randomOf(order.seed);
    this.#payer = new Payer(channels, this.#random);
    const [first] = channels;
    if (first === undefined) throw new Error('a load has channels');
    this.#packed = vouchers.packed(first.wallet);
    this.#typed = vouchers.stream({ inFlightMax: IN_FLIGHT_MAX });
    const packed: Sender = { way: 'packed', send: (payments) => this.#packed.send(payments) };
    const typed: Sender = { way: 'typed', send: (payments) => this.#typed.send(payments) };
    const single: Sender = { way: 'single', send: (payments) => vouchers.post(payments) };
    // Half of the batches go over the packed stream.
    this.#senders = [packed, packed, packed, typed, typed, single];
  }

  /** Opens the channels and lists them in a file. */
  static async start(order: LoadOrder): Promise<Load> {
    const ledger = await LedgerClient.connect(order.balanceGrpc, { policy: POLICY });
    const vouchers = new VoucherClient(order.ingestGrpc, { policy: POLICY });
    const channels = await openChannels(ledger, order);
    const list = channels.map(({ kind, paying }) => ({ id: toHex(paying.terms.channelId), kind }));
    writeFileSync(channelsFile(order.folder), JSON.stringify(list));
    return new Load(order, ledger, vouchers, channels);
  }

  /** Pays until {@link stop}; resolves once every payment has its answer. */
  async run(): Promise<void> {
    let dueItems = 0;
    let beforeMs = performance.now();
    while (!this.#stopping) {
      await sleep(TICK_MS);
      const nowMs = performance.now();
      dueItems += ((nowMs - beforeMs) * this.order.paymentsPerSecond) / 1_000;
      beforeMs = nowMs;
      while (dueItems > 0 && this.#inFlight < IN_FLIGHT_MAX) dueItems -= this.#payOnce();
      // What could not be sent in time is not made up for: the payer would never catch up.
      if (this.#inFlight >= IN_FLIGHT_MAX) dueItems = 0;
      this.#renewChains();
      this.#log.flush();
    }
    while (this.#inFlight > 0) {
      await sleep(TICK_MS);
      this.#log.flush();
    }
    await Promise.all([this.#packed.close(), this.#typed.close()]);
    this.vouchers.close();
    this.ledger.close();
  }

  stop(): void {
    this.#stopping = true;
  }

  // Sends one batch, and sometimes the same again by another way. Returns how many payments it holds.
  #payOnce(): number {
    const batch = this.#payer.next();
    if (batch.claimed.length === 0) return 1;
    for (const { channel, units } of batch.claimed) this.#log.sent(channel.no, units);
    this.#log.flush();
    const sender = Math.floor(this.#random() * this.#senders.length);
    this.#send(batch, sender);
    if (this.#random() < TWICE) this.#send(batch, (sender + 3) % this.#senders.length);
    return batch.claimed.length;
  }

  #send(batch: Batch, number: number): void {
    const sender = this.#senders[number];
    if (sender === undefined) throw new RangeError(`there is no sender ${number}`);
    this.#inFlight += 1;
    for (const { channel } of batch.claimed) channel.inFlight += 1;
    sender
      .send(batch.payments)
      .then((results) => this.#note(batch, results, sender.way))
      .catch((error: unknown) => this.#noteFailure(batch, error))
      .finally(() => {
        this.#inFlight -= 1;
        for (const { channel } of batch.claimed) channel.inFlight -= 1;
        this.#log.flush();
      });
  }

  #note({ claimed }: Batch, { vouchers, ticks, bundles }: PaymentResults, way: Way): void {
    const atMs = Date.now();
    const outcomes = [...vouchers, ...ticks, ...bundles.flat()];
    for (const [at, { channel, units }] of claimed.entries()) {
      const outcome = outcomes[at];
      const owed = outcome && owedAtLeast(outcome);
      if (owed !== undefined && owed < units) this.#log.refused(channel.no, 'ANSWERED_BELOW_CLAIM');
      if (owed !== undefined) this.#log.acked(atMs, channel.no, owed, way);
      else if (outcome?.status === 'refused' && !isTransient(outcome.reason)) {
        this.#log.refused(channel.no, `${outcome.reason} ${outcome.detail}`);
      } else this.#log.unanswered(channel.no, outcome?.status === 'refused' ? outcome.reason : '');
    }
  }

  #noteFailure({ claimed }: Batch, error: unknown): void {
    for (const { channel } of claimed) {
      if (error instanceof LedgerRefusal) this.#log.refused(channel.no, error.message);
      else this.#log.unanswered(channel.no, String(error).split('\n')[0] ?? '');
    }
  }

  #renewChains(): void {
    for (const channel of this.channels) {
      // A tick of the last chain that arrives after the next one is committed would be refused.
      const isUsedUp = channel.kind === 'tick' && ticksLeft(channel) === 0;
      if (!isUsedUp || channel.inFlight > 0 || channel.isBusy) continue;
      channel.isBusy = true;
      void this.#renewChain(channel);
    }
  }

  // The ledger takes a new chain only when all ticks of the last one are in the books: asked until then.
  async #renewChain(channel: PaidChannel): Promise<void> {
    const generation = (this.#generations.get(channel) ?? 0) + 1;
    const { paying, wallet } = channel;
    const { channelId } = paying.terms;
    const chain = chainOf(this.order, toHex(channelId), generation, paying.cumulativeUnits);
    while (!this.#stopping) {
      try {
        await this.ledger.account(wallet).commitTicks(channelId, chain.commitment);
        paying.adopt(chain);
        this.#generations.set(channel, generation);
        channel.isBusy = false;
        return;
      } catch (error) {
        if (error instanceof LedgerRefusal && error.reason !== 'TICKS_LEFT') {
          this.#log.refused(channel.no, error.message);
          return;
        }
        await sleep(CHAIN_RETRY_MS);
      }
    }
  }
}

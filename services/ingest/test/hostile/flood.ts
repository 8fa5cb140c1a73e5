import type { ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import {
  type StreamPackedRequest,
  type StreamPackedResponse,
  VoucherServiceClient,
} from '#libs/contracts';
import { sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { DIGESTS, FAR_FUTURE_MS } from '../factory.js';
import { DEPOSIT_UNITS, type FuzzChannel, Payers } from './payers.js';
import type { Plan } from './plans.js';
import { intField, packedFields, postMessage } from './protobuf.js';
import { Random } from './random.js';
import { frame, RawConnection } from './raw-grpc.js';
import type { Rig } from './rig.js';

const ATTACKERS = 100;
export const GARBAGE_PER_MESSAGE = 10;
const MESSAGES_PER_SECOND = 5;
const MESSAGES_PREPARED = 8;
const BATCH = 64;
/** Batches in flight when as much as possible is sent. */
const WINDOW = 12;

/** Channels that are paid well and attacked. */
export function openForFlood(rig: Rig, count: number, firstNo: bigint, seed: number) {
  const payers = new Payers(new Random(seed), DIGESTS, firstNo, rig.bundles);
  const payer = payers.newPayer();
  const channels = Array.from({ length: count }, () => payers.open(payer));
  for (const channel of channels) {
    rig.facts.set(Buffer.from(channel.facts.id).toString('hex'), channel.facts);
    rig.audit.watch(channel);
  }
  return { payers, channels };
}

/** What attackers do once they may be cut off: stay, or come back over a new connection after so many messages. */
type Attackers = { readonly messagesPerConnection: number };
const STAYING: Attackers = { messagesPerConnection: Number.POSITIVE_INFINITY };
/** A new connection as soon as the failures of one are used up: 32, then 8 a second. */
export const COMING_BACK: Attackers = { messagesPerConnection: 4 };

/**
 * Identities with a connection each that post garbage as the highest claim of valid channels, 5 000 a
 * second together. Answers a function that ends them and tells how many messages they have sent.
 */
export function startFlood(
  port: number,
  channels: readonly FuzzChannel[],
  seed: number,
  { messagesPerConnection } = STAYING,
): () => number {
  const random = new Random(seed, 5);
  const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
  const garbage = () => {
    const vouchers = Array.from({ length: GARBAGE_PER_MESSAGE }, () => {
      const { id, payee } = random.pick(channels).facts;
      const name = { handle: 0, id: Buffer.from(id), payee };
      const units = DEPOSIT_UNITS - BigInt(random.below(1_000));
      const signature = random.bytes(64);
      signature[0] = 1;
      signature[32] = 1;
      return { ...name, kind: 'voucher' as const, units, validUntilMs, signature };
    });
    const plan: Plan = { vouchers, ticks: [], bundles: [] };
    // The batch of PostVouchersRequest is field 1; in StreamVouchersRequest it is field 2.
    const batch = postMessage(plan);
    batch[0] = 0x12;
    return frame(Buffer.concat([intField(1, 1n), batch]));
  };
  const messages = Array.from({ length: ATTACKERS * MESSAGES_PREPARED }, garbage);
  const attacker = () => {
    const connection = new RawConnection(port);
    const stream: ClientHttp2Stream = connection.open('StreamVouchers');
    stream.resume();
    return { connection, stream, sent: 0 };
  };
  const attackers = Array.from({ length: ATTACKERS }, attacker);
  let turn = 0;
  const timer = setInterval(
    () => {
      const at = turn % ATTACKERS;
      let one = attackers[at] ?? attacker();
      if (one.sent >= messagesPerConnection) {
        one.connection.close();
        one = attacker();
      }
      attackers[at] = one;
      one.stream.write(messages[turn % messages.length]);
      one.sent++;
      turn++;
    },
    1_000 / (MESSAGES_PER_SECOND * ATTACKERS),
  );
  return () => {
    clearInterval(timer);
    for (const { connection } of attackers) connection.close();
    return turn;
  };
}

/** A good sender on a packed stream, with payments that were signed before. */
export class GoodStream {
  /** Payments that were accepted so far, and those that were not. */
  accepted = 0;
  refused = 0;
  #inFlight = 0;
  #next = 0;
  #isOpen = false;
  readonly #client: VoucherServiceClient;
  readonly #stream: ClientDuplexStream<StreamPackedRequest, StreamPackedResponse>;
  readonly #batches: readonly Buffer[];
  #onAnswer: () => void = () => undefined;

  /** Signs so many batches at once: this takes its time. */
  constructor(port: number, payers: Payers, channels: readonly FuzzChannel[], batches: number) {
    this.#batches = signBatches(payers, channels, batches);
    this.#client = new VoucherServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const keys = payers.newPayer();
    const validUntilMs = BigInt(Date.now()) + 3_600_000n;
    const signature = sign(DIGESTS.session(keys.address, validUntilMs), keys.privateKey);
    const metadata = new Metadata();
    metadata.set(
      SESSION_TRAILER,
      formatSession({ account: keys.address, validUntilMs, signature }),
    );
    this.#stream = this.#client.streamPacked(metadata);
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', ({ content }: StreamPackedResponse) => {
      if (content?.$case === 'opened') this.#isOpen = true;
      else {
        for (const { refused } of content?.value.batches ?? []) {
          this.#inFlight--;
          this.refused += refused.length;
          this.accepted += BATCH - refused.length;
        }
      }
      this.#onAnswer();
    });
    const channelIds = Buffer.concat(channels.map(({ facts }) => facts.id));
    this.#stream.write({ sequence: 0n, content: { $case: 'open', value: { channelIds } } });
  }

  async opened(): Promise<void> {
    while (!this.#isOpen) await sleep(10);
  }

  /** Sends at a rate, or as fast as answers come, for so long; answers how many were accepted. */
  async run(seconds: number, perSecond = Number.POSITIVE_INFINITY): Promise<number> {
    const before = this.accepted;
    const startedMs = performance.now();
    const elapsedMs = () => performance.now() - startedMs;
    let sent = 0;
    const send = () => {
      const due = (elapsedMs() / 1_000) * perSecond;
      const isOver = elapsedMs() > seconds * 1_000;
      const window = perSecond === Number.POSITIVE_INFINITY ? WINDOW : Number.MAX_SAFE_INTEGER;
      while (!isOver && this.#inFlight < window && sent * BATCH < due) {
        if (!this.#sendNext()) return;
        sent++;
      }
    };
    this.#onAnswer = send;
    while (elapsedMs() < seconds * 1_000) {
      send();
      await sleep(5);
    }
    this.#onAnswer = () => undefined;
    const accepted = this.accepted - before;
    // What is under way is answered before the next run; it counts for neither.
    for (let waited = 0; this.#inFlight > 0 && waited < 1_000; waited++) await sleep(10);
    return accepted;
  }

  close(): void {
    this.#stream.end();
    this.#client.close();
  }

  #sendNext(): boolean {
    const vouchers = this.#batches[this.#next];
    if (vouchers === undefined) return false;
    this.#next++;
    this.#inFlight++;
    const value = { vouchers, ticks: Buffer.alloc(0), bundles: Buffer.alloc(0) };
    this.#stream.write({ sequence: BigInt(this.#next), content: { $case: 'batch', value } });
    return true;
  }
}

function signBatches(payers: Payers, channels: readonly FuzzChannel[], batches: number): Buffer[] {
  const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
  return Array.from({ length: batches }, (_, batch) => {
    const vouchers = Array.from({ length: BATCH }, (_, item) => {
      const turn = batch * BATCH + item;
      const handle = turn % channels.length;
      const channel = channels[handle] as FuzzChannel;
      const units = BigInt(Math.floor(turn / channels.length) + 1);
      const signature = payers.voucher(channel, units, validUntilMs);
      const { id, payee } = channel.facts;
      const name = { handle, id: Buffer.from(id), payee };
      return { ...name, kind: 'voucher' as const, units, validUntilMs, signature };
    });
    return packedFields({ vouchers, ticks: [], bundles: [] }).vouchers;
  });
}

import { gzipSync } from 'node:zlib';
import { PACKED_RECEIPT, PostVouchersResponse, StreamPackedResponse } from '#libs/contracts';
import { sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { DIGESTS } from '../factory.js';
import type { Planner } from './plans.js';
import { openMessageBytes, packedFields, packedMessage, postMessage } from './protobuf.js';
import { mutate } from './random.js';
import { frame, type RawAnswer, RawConnection } from './raw-grpc.js';
import { assertFine, type HostileScene } from './scene.js';

const CASES_PER_CONNECTION = 60;
const SESSION_MS = 3_600_000n;
const UNAUTHENTICATED = 16;
const BOMB = gzipSync(Buffer.alloc(32 * 1024 * 1024));

/** Chunks of a call as they are written, and what they hold. */
type Call = {
  readonly method: 'PostVouchers' | 'StreamPacked' | 'StreamVouchers';
  readonly chunks: Buffer[];
  readonly headers: Record<string, string>;
};

/** A hostile client with a socket: frames, headers and messages, each of them good or not. */
export class SocketPlayer {
  #connection: RawConnection | undefined;
  #cases = 0;
  #session: Record<string, string> = {};
  /** Calls that were answered as they must be, with nothing wrong in them. */
  goodCalls = 0;

  constructor(
    private readonly port: number,
    private readonly scene: HostileScene,
    private readonly planner: Planner,
  ) {}

  async play(): Promise<void> {
    if (this.#cases++ % CASES_PER_CONNECTION === 0) this.#reconnect();
    const draw = this.scene.random.below(12);
    if (draw < 4) await this.#good();
    else if (draw < 6) await this.#mutated();
    else if (draw < 9) await this.#misframed();
    else if (draw < 10) await this.#badSession();
    else if (draw < 11) await this.#badHeaders();
    else this.#torn();
  }

  end(): void {
    this.#connection?.close();
  }

  #reconnect(): void {
    this.#connection?.close();
    this.#connection = new RawConnection(this.port);
    // An account of its own each time: the failures of one are not to hide the next case from the core.
    const keys = this.scene.payers.newPayer();
    const validUntilMs = BigInt(Date.now()) + SESSION_MS;
    const signature = sign(DIGESTS.session(keys.address, validUntilMs), keys.privateKey);
    const claim = { account: keys.address, validUntilMs, signature };
    this.#session = { [SESSION_TRAILER]: formatSession(claim) };
  }

  #call(): Call {
    const plan = this.planner.plan(this.scene);
    if (this.scene.random.oneIn(2)) {
      return { method: 'PostVouchers', chunks: [frame(postMessage(plan))], headers: {} };
    }
    const ids = Buffer.concat(this.scene.named.map(({ id }) => id));
    const messages = [openMessageBytes(1n, ids), packedMessage(2n, packedFields(plan))];
    const chunks = messages.map((message) => frame(message));
    return { method: 'StreamPacked', chunks, headers: this.#session };
  }

  async #send({ method, chunks, headers }: Call): Promise<RawAnswer> {
    if (!this.#connection?.isOpen) this.#reconnect();
    const bytes = Buffer.concat(chunks);
    const answer = await (this.#connection as RawConnection).call(method, chunks, headers);
    const complaints = this.#raise(method, answer);
    if (answer.isHung) complaints.push('no answer');
    assertFine(complaints, bytes);
    return answer;
  }

  /** A good call, cut into pieces that have nothing to do with its frames. */
  async #good(): Promise<void> {
    const call = this.#call();
    const { random } = this.scene;
    let rest = Buffer.concat(call.chunks);
    const chunks: Buffer[] = [];
    while (rest.length > 0) {
      const length = random.oneIn(4) ? random.below(7) + 1 : random.below(400) + 1;
      chunks.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    let answer = await this.#send({ ...call, chunks });
    if (answer.reason === 'OVERLOADED') {
      // What came before on this connection used up its failure budget. A new one must be served at once.
      this.#reconnect();
      const headers = call.method === 'StreamPacked' ? this.#session : {};
      answer = await this.#send({ ...call, chunks, headers });
    }
    const isAnswered = answer.status === 0 && answer.messages.length > 0;
    assertFine(
      isAnswered ? [] : [`status ${answer.status} ${answer.reason}`],
      Buffer.concat(chunks),
    );
    this.goodCalls++;
  }

  async #mutated(): Promise<void> {
    const call = this.#call();
    const chunks = call.chunks.map((chunk, at) =>
      at === call.chunks.length - 1 ? frame(mutate(this.scene.random, chunk.subarray(5))) : chunk,
    );
    await this.#send({ ...call, chunks });
  }

  /** Frames whose heads lie about length or compression, and bytes that are no frames. */
  async #misframed(): Promise<void> {
    const { random } = this.scene;
    const call = this.#call();
    const body = (call.chunks.at(-1) as Buffer).subarray(5);
    const odd = random.pick([
      () => frame(body, 0, body.length + random.below(1_000) + 1),
      () => frame(body, 0, random.below(body.length)),
      () => frame(body, 0, random.pick([0xffff_ffff, 0x8000_0000, 0x0010_0001])),
      () => frame(body, random.pick([1, 2, 0x80, 0xff])),
      () => frame(random.oneIn(8) ? BOMB : gzipSync(body), 1),
      () => frame(Buffer.alloc(0)),
      () => Buffer.concat([frame(body), frame(body)]),
      () => frame(body).subarray(0, random.below(body.length + 5)),
      () => mutate(random, frame(body)),
      () => random.bytes(random.below(200)),
    ])();
    const encoding = random.pick(['identity', 'gzip', 'deflate', 'br', 'x'.repeat(300)]);
    const headers = random.oneIn(2) ? { ...call.headers, 'grpc-encoding': encoding } : call.headers;
    await this.#send({ ...call, chunks: [...call.chunks.slice(0, -1), odd], headers });
  }

  async #badSession(): Promise<void> {
    const { random } = this.scene;
    const call = this.#call();
    const text = this.#session[SESSION_TRAILER] ?? '';
    const changed = mutate(random, Buffer.from(text)).toString('latin1');
    // Only what may stand in a header; text that is good again is no case.
    const session = changed.replace(/[^\x21-\x7e]/g, '!').slice(0, 4_000);
    if (session.trim() === text || session === '') return;
    const headers = random.oneIn(4) ? {} : { [SESSION_TRAILER]: session };
    const answer = await this.#send({ ...call, method: 'StreamPacked', headers });
    const isRefused = answer.status === UNAUTHENTICATED || answer.reason === 'OVERLOADED';
    const complaints = isRefused ? [] : [`session "${session}": status ${answer.status}`];
    assertFine(complaints, Buffer.concat(call.chunks));
  }

  async #badHeaders(): Promise<void> {
    const { random } = this.scene;
    const call = this.#call();
    const odd = random.pick<Record<string, string>>([
      { 'content-type': 'text/html' },
      { 'content-type': 'application/grpc+json' },
      { 'grpc-timeout': random.pick(['', '0n', '-1S', '99999999H', '1', 'x']) },
      { 'grpc-encoding': 'gzip, gzip' },
      { 'x-large': 'a'.repeat(random.pick([4_000, 7_000])) },
      { 'x-bin': '%%%' },
      { ':path': `/swarmledger.v1.VoucherService/${random.pick(['', 'Nothing', '../x'])}` },
      { ':path': random.pick(['/', '//', '/grpc.health.v1.Health/Check']) },
      { ':method': random.pick(['GET', 'PUT', 'HEAD']) },
      { 'grpc-accept-encoding': ','.repeat(500) },
    ]);
    await this.#send({ ...call, headers: { ...call.headers, ...odd } });
  }

  /** A call that is cut off in the middle. */
  #torn(): void {
    if (!this.#connection?.isOpen) this.#reconnect();
    const { random } = this.scene;
    const { method, chunks, headers } = this.#call();
    const stream = (this.#connection as RawConnection).open(method, headers);
    const bytes = Buffer.concat(chunks);
    stream.write(bytes.subarray(0, random.below(bytes.length + 1)));
    stream.resume();
    stream.close(random.pick([0, 2, 8, 11]));
  }

  #raise(method: string, { messages }: RawAnswer): string[] {
    return method === 'PostVouchers'
      ? messages.flatMap((message) => this.#typedReceipts(message))
      : messages.flatMap((message) => this.#packedReceipts(message));
  }

  #typedReceipts(message: Buffer): string[] {
    const { outcomes } = PostVouchersResponse.decode(message);
    if (outcomes === undefined) return ['an answer without outcomes'];
    const { vouchers, ticks, bundles } = outcomes;
    const all = [...vouchers, ...ticks, ...bundles.flatMap(({ entries }) => entries)];
    return all.flatMap(({ result }) =>
      result?.$case === 'receipt'
        ? this.#receipt(this.scene.byId(result.value.channelId), result.value.acceptedUnits)
        : [],
    );
  }

  #packedReceipts(message: Buffer): string[] {
    const { content } = StreamPackedResponse.decode(message);
    if (content?.$case !== 'ack') return [];
    const { receipts } = content.value;
    return Array.from({ length: receipts.length / PACKED_RECEIPT.bytes }, (_, at) => {
      const base = at * PACKED_RECEIPT.bytes;
      const channel = this.scene.named[receipts.readUInt32BE(base)]?.channel;
      return this.#receipt(channel, receipts.readBigInt64BE(base + 4));
    }).flat();
  }

  // Torn calls are written all the same, so a receipt may be below what is known: that is no fault.
  #receipt(channel: HostileScene['named'][number]['channel'], units: bigint): string[] {
    if (channel !== undefined && units < channel.facts.acceptedUnits && channel.owed.has(units)) {
      return [];
    }
    return this.scene.raise(channel, units);
  }
}

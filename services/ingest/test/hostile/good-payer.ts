import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { type Outcome, reasonFromWire, VoucherServiceClient } from '#libs/contracts';
import { DIGESTS, FAR_FUTURE_MS } from '../factory.js';
import { type FuzzChannel, Payers } from './payers.js';
import { Random } from './random.js';
import type { Rig } from './rig.js';

/** An honest client sends again what was refused for now, for so long. */
const RETRY_FOR_MS = 5_000;
const RETRY_EVERY_MS = 50;

/** An honest client on a connection of its own, which pays in a steady rhythm while others attack. */
export class GoodPayer {
  readonly complaints: string[] = [];
  accepted = 0;
  /** How often it was told to come again. */
  retries = 0;
  slowestMs = 0;
  readonly #client: VoucherServiceClient;
  readonly #channel: FuzzChannel;
  readonly #payers: Payers;
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  constructor(rig: Rig, channelNo: bigint, seed: number) {
    this.#payers = new Payers(new Random(seed, 77), DIGESTS, channelNo, rig.bundles);
    this.#channel = this.#payers.open(this.#payers.newPayer());
    const { facts } = this.#channel;
    rig.facts.set(Buffer.from(facts.id).toString('hex'), facts);
    rig.audit.watch(this.#channel);
    const address = `127.0.0.1:${rig.ingest.grpcPort}`;
    this.#client = new VoucherServiceClient(address, credentials.createInsecure());
  }

  start(everyMs: number): void {
    this.#running = this.#run(everyMs);
  }

  /** Resolves when its last payment is answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#client.close();
  }

  async #run(everyMs: number): Promise<void> {
    for (let units = 1n; !this.#isOver; units++) {
      const startedMs = performance.now();
      const told = await this.#payWithin(units, startedMs + RETRY_FOR_MS);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
      if (told === units) this.accepted++;
      else this.complaints.push(`payment ${units}: ${told}`);
      await sleep(everyMs);
    }
  }

  async #payWithin(units: bigint, untilMs: number): Promise<bigint | string> {
    for (;;) {
      const told = await this.#pay(units).catch((error: Error) => error.message);
      if (told !== 'UNAVAILABLE' || performance.now() > untilMs) return told;
      this.retries++;
      await sleep(RETRY_EVERY_MS);
    }
  }

  #pay(cumulativeUnits: bigint): Promise<bigint | string> {
    const { id, payee } = this.#channel.facts;
    const validUntilMs = BigInt(Date.now()) + FAR_FUTURE_MS;
    const signature = this.#payers.voucher(this.#channel, cumulativeUnits, validUntilMs);
    const voucher = { channelId: Buffer.from(id), payee, cumulativeUnits, validUntilMs, signature };
    const batch = { vouchers: [voucher], ticks: [], bundles: [] };
    return new Promise((resolve, reject) => {
      this.#client.postVouchers(
        { batch },
        { deadline: Date.now() + 15_000 } as never,
        ((error: Error | null, response: { outcomes?: { vouchers: Outcome[] } }) => {
          if (error !== null) reject(error);
          else resolve(wordOf(response.outcomes?.vouchers[0]));
        }) as never,
      );
    });
  }
}

function wordOf(outcome: Outcome | undefined): bigint | string {
  const { result } = outcome ?? {};
  if (result?.$case === 'receipt') return result.value.acceptedUnits;
  return String(result && reasonFromWire(result.value.reason));
}

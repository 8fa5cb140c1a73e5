import { owedAtLeast, type PaymentOutcome, type Payments, type VoucherStream } from '#libs/client';
import type { Tick, Voucher } from '#libs/contracts';
import type { Units } from '#libs/domain';
import type { Step } from '../display.js';
import { Turns } from '../turns.js';
import type { Pair, World } from '../world.js';

const BATCH_SIZE = 50;
const IN_FLIGHT_MAX = 6;
const TURNS = new Turns();

/** Every pair but the downloading one pays piece by piece, over a stream of its payee. */
export async function pay(world: World, step: Step): Promise<void> {
  const pairs = world.pairs.filter(({ plan }) => plan.kind !== 'download');
  const total = pairs.reduce((sum, { plan }) => sum + plan.payments, 0);
  let done = 0;
  const startMs = Date.now();
  await Promise.all(
    pairs.map(async (pair) => {
      const payer = new StreamPayer(world, pair, BATCH_SIZE);
      for (let paid = 0; paid < pair.plan.payments; paid++) {
        await payer.pay(pair.plan.amountUnits);
        step.progress(++done, total);
      }
      await payer.finish();
    }),
  );
  const rate = Math.round((total * 1000) / Math.max(1, Date.now() - startMs));
  step.note(`${total} payments, ${rate} a second, each checked by its payee`);
}

/**
 * A pair at work: the payer signs, the payee checks before it would serve the next piece and posts
 * in batches. What the ledger acknowledges goes into the demo's books.
 */
export class StreamPayer {
  readonly #stream: VoucherStream;
  readonly #pending = new Set<Promise<void>>();
  #vouchers: Voucher[] = [];
  #ticks: Tick[] = [];
  #failure: unknown;

  constructor(
    private readonly world: World,
    private readonly pair: Pair,
    private readonly batchSize: number,
  ) {
    this.#stream = world.vouchers.stream({ inFlightMax: IN_FLIGHT_MAX });
  }

  /** Makes one payment; waits while too many batches have no answer yet. */
  async pay(amountUnits: Units): Promise<void> {
    const { paying, receiving, plan } = this.pair;
    const taken =
      plan.kind === 'ticks'
        ? receiving.takeTick(keep(this.#ticks, paying.payTicks()))
        : receiving.takeVoucher(keep(this.#vouchers, paying.pay(amountUnits)));
    if (!taken.ok) throw new Error(`a payee did not take a payment: ${taken.reason}`);
    if (this.#vouchers.length + this.#ticks.length >= this.batchSize) await this.#flush();
  }

  /** Posts what is left and waits until everything is acknowledged. */
  async finish(): Promise<void> {
    await this.#flush();
    while (this.#pending.size > 0) await Promise.race(this.#pending);
    if (this.#failure !== undefined) throw this.#failure;
    this.world.counts.reconnects += this.#stream.reconnects;
    await this.#stream.close();
  }

  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const batch = { vouchers: this.#vouchers, ticks: this.#ticks };
    if (batch.vouchers.length + batch.ticks.length === 0) return;
    this.#vouchers = [];
    this.#ticks = [];
    const posted = this.#post(batch)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#pending.delete(posted));
    this.#pending.add(posted);
    await TURNS.next();
    while (this.#pending.size >= IN_FLIGHT_MAX) await Promise.race(this.#pending);
  }

  async #post(batch: Required<Omit<Payments, 'bundles'>>): Promise<void> {
    const { counts } = this.world;
    const results = await this.#stream.send(batch);
    const { chain } = this.pair.paying.terms;
    const tickValueUnits = chain?.commitment.tickValueUnits ?? 0n;
    batch.vouchers.forEach((voucher, index) => {
      counts.vouchersAccepted += this.#accept(voucher.cumulativeUnits, results.vouchers[index]);
    });
    batch.ticks.forEach((tick, index) => {
      counts.ticksAccepted += this.#accept(tick.index * tickValueUnits, results.ticks[index]);
    });
  }

  // A payment counts when the ledger owes at least its amount; 1 then, else 0.
  #accept(cumulativeUnits: Units, outcome: PaymentOutcome | undefined): number {
    const owedUnits = outcome === undefined ? undefined : owedAtLeast(outcome);
    const accepted = owedUnits !== undefined && owedUnits >= cumulativeUnits;
    const told = outcome?.status === 'refused' ? `${outcome.reason} ${outcome.detail}` : '';
    this.world.differences.holds('a good payment is accepted', accepted, told);
    if (!accepted) return 0;
    this.world.books.paid(this.pair.channelId, cumulativeUnits);
    return 1;
  }
}

function keep<T>(list: T[], item: T): T {
  list.push(item);
  return item;
}

import {
  type Outcome,
  PaymentOutcomes,
  PostVouchersRequest,
  reasonFromWire,
} from '#libs/contracts';
import type { Reason } from '#libs/domain';
import { outcomesToWire } from '../../src/grpc/outcome.codec.js';
import type { Fixture } from '../fixture.js';
import type { Planner } from './plans.js';
import { postMessage } from './protobuf.js';
import { mutate } from './random.js';
import { assertFine, type HostileScene } from './scene.js';
import { type Told, Truth } from './truth.js';

/** A hostile client of the typed API. */
export class TypedPlayer {
  constructor(
    private readonly fixture: Fixture,
    private readonly scene: HostileScene,
    private readonly planner: Planner,
  ) {}

  /** Well-formed protobuf; what becomes of each payment is foretold. */
  async payments(): Promise<void> {
    const { scene } = this;
    const plan = this.planner.plan(scene);
    const bytes = postMessage(plan);
    const outcomes = await this.#post(bytes);
    if (typeof outcomes === 'string') {
      assertFine([`refused as a whole: ${outcomes}`], bytes);
      return;
    }
    const lookup = ({ id }: { id: Buffer }) => scene.byId(id);
    const truth = new Truth(scene.payers, 'typed', lookup, scene.nowMs);
    const complaints = truth.judge(plan, outcomes.map(toldOf));
    assertFine([...complaints, ...this.#raise(outcomes)], bytes);
  }

  /** A message of which bits, bytes or lengths were changed. */
  async brokenMessage(): Promise<void> {
    const bytes = mutate(this.scene.random, postMessage(this.planner.plan(this.scene)));
    const outcomes = await this.#post(bytes);
    if (typeof outcomes !== 'string') assertFine(this.#raise(outcomes), bytes);
  }

  async #post(bytes: Buffer): Promise<Outcome[] | Reason> {
    let request: PostVouchersRequest;
    try {
      request = PostVouchersRequest.decode(bytes);
    } catch (error) {
      if (error instanceof Error) return 'MALFORMED';
      throw error;
    }
    const payments = request.batch ?? { vouchers: [], ticks: [], bundles: [] };
    // From a host of its own each time: what the cases before did wrong is not to hide this one.
    const { senders, service } = this.fixture.core;
    const sender = senders.ofConnection(`hostile-${this.scene.random.uint32()}:1`);
    const result = await service.post(payments, sender);
    if (!result.ok) return result.reason;
    const wire = PaymentOutcomes.encode(outcomesToWire(payments, result.value)).finish();
    const { vouchers, ticks, bundles } = PaymentOutcomes.decode(wire);
    return [...vouchers, ...ticks, ...bundles.flatMap(({ entries }) => entries)];
  }

  #raise(outcomes: readonly Outcome[]): string[] {
    // The ladder's answers to one channel are not in order: the highest is what it owes.
    const highest = new Map<string, bigint>();
    for (const { result } of outcomes) {
      if (result?.$case !== 'receipt') continue;
      const { channelId, acceptedUnits } = result.value;
      const key = channelId.toString('hex');
      if (acceptedUnits > (highest.get(key) ?? 0n)) highest.set(key, acceptedUnits);
    }
    return [...highest].flatMap(([id, units]) =>
      this.scene.raise(this.scene.byId(Buffer.from(id, 'hex')), units),
    );
  }
}

function toldOf({ result }: Outcome): Told {
  if (result?.$case === 'receipt') return { accepted: result.value.acceptedUnits };
  const reason = result && reasonFromWire(result.value.reason);
  return reason === undefined ? { accepted: -1n } : { refused: reason };
}

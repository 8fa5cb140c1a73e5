import { DIGESTS } from '../factory.js';
import type { Fixture } from '../fixture.js';
import type { LogAudit } from './audit.js';
import { PackedPlayer } from './packed-player.js';
import type { Payers } from './payers.js';
import { Planner } from './plans.js';
import type { Random } from './random.js';
import { assertFine, HostileScene } from './scene.js';
import { TypedPlayer } from './typed-player.js';

const CASES_PER_STREAM = 10;
const CASES_PER_SCENE = 240;

/** One hostile client of the core, with channels of its own. It waits for each answer before it goes on. */
export class CorePlayer {
  readonly #planner: Planner;
  #scene: HostileScene;
  #packed: PackedPlayer;
  #typed: TypedPlayer;
  #cases = 0;
  #receipts = 0;

  constructor(
    private readonly fixture: Fixture,
    private readonly random: Random,
    private readonly payers: Payers,
    private readonly audit: LogAudit,
  ) {
    this.#planner = new Planner(random, payers, DIGESTS);
    this.#scene = this.#newScene();
    this.#packed = new PackedPlayer(fixture, this.#scene, this.#planner);
    this.#typed = new TypedPlayer(fixture, this.#scene, this.#planner);
  }

  /** Receipts that were told so far. */
  get receipts(): number {
    return this.#receipts + this.#scene.receipts;
  }

  /** Plays the next case; throws a FuzzFailure. */
  async play(): Promise<void> {
    const played = this.#cases++;
    if (played > 0 && played % CASES_PER_SCENE === 0) this.#renew();
    if (played % CASES_PER_STREAM === 0) this.#packed.hangUp();
    const draw = this.random.below(20);
    if (draw < 6) await this.#packed.records();
    else if (draw < 9) await this.#packed.oddRecords();
    else if (draw < 12) await this.#packed.brokenMessage();
    else if (draw < 13) await this.#packed.handles();
    else if (draw < 17) await this.#typed.payments();
    else await this.#typed.brokenMessage();
  }

  /** Ends the stream and compares the channels with the log. */
  end(): void {
    this.#packed.hangUp();
    this.#receipts += this.#scene.receipts;
    this.#scene.receipts = 0;
    assertFine(this.#scene.close(), new Uint8Array(0));
  }

  #renew(): void {
    this.end();
    this.#scene = this.#newScene();
    this.#packed = new PackedPlayer(this.fixture, this.#scene, this.#planner);
    this.#typed = new TypedPlayer(this.fixture, this.#scene, this.#planner);
  }

  #newScene(): HostileScene {
    const { fixture, random, payers, audit } = this;
    return new HostileScene(random, payers, fixture.clock.nowMs(), fixture.books, audit);
  }
}

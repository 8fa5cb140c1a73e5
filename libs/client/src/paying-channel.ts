import type { Tick, Voucher } from '#libs/contracts';
import { sha256 } from '#libs/crypto';
import { type Address, type TickCommitment, tickChain, tickUnits, type Units } from '#libs/domain';
import { toBuffer } from './bytes.js';
import { LedgerRefusal } from './errors.js';
import type { Wallet } from './wallet.js';

/** How long a voucher is good: the payee must post it by then. */
const VOUCHER_VALID_MS = 24n * 3_600_000n;

/** A hash chain of the payer: what the channel commits to, and the preimages to reveal one by one. */
export class TickChain {
  readonly commitment: TickCommitment;
  readonly #elements: readonly Uint8Array[];

  /**
   * Takes a secret seed of 32 bytes, never used for another chain. Holds ticksMax + 1 elements of 32
   * bytes in memory. `baseUnits` is what the channel owes when the chain begins: 0 at the opening.
   */
  constructor(seed: Uint8Array, tickValueUnits: Units, ticksMax: number, baseUnits: Units = 0n) {
    if (seed.length !== 32) throw new TypeError('a seed has 32 bytes');
    this.#elements = tickChain(seed, ticksMax, sha256);
    const chainEnd = this.preimage(0);
    this.commitment = { chainEnd, tickValueUnits, ticksMax: BigInt(ticksMax), baseUnits };
  }

  /** The preimage that proves `index` ticks; throws a RangeError beyond the chain. */
  preimage(index: number): Uint8Array {
    const element = this.#elements[index];
    if (element === undefined) throw new RangeError(`the chain has no tick ${index}`);
    return element;
  }
}

/** What a payer must know of its channel. */
export type PayingTerms = {
  readonly channelId: Uint8Array;
  readonly payee: Address;
  readonly depositUnits: Units;
  /** Set for a channel that pays by ticks. */
  readonly chain?: TickChain | undefined;
  /** Owed before, when going on after a restart: never pay less than that again. */
  readonly cumulativeUnits?: Units | undefined;
};

/**
 * The payer's end of a channel: adds up what is owed and makes the next voucher or tick. Never goes
 * above the deposit: such a payment is a LedgerRefusal with ABOVE_DEPOSIT, and nothing is signed.
 */
export class PayingChannel {
  #cumulativeUnits: Units;
  #chain: TickChain | undefined;

  constructor(
    private readonly wallet: Wallet,
    readonly terms: PayingTerms,
  ) {
    this.#cumulativeUnits = terms.cumulativeUnits ?? 0n;
    this.#chain = terms.chain;
  }

  /** All that is owed so far. */
  get cumulativeUnits(): Units {
    return this.#cumulativeUnits;
  }

  /** What the deposit still covers. */
  get remainingUnits(): Units {
    return this.terms.depositUnits - this.#cumulativeUnits;
  }

  /** The voucher that pays `amountUnits` more. Time comes in as `nowMs`, milliseconds since 1970. */
  pay(amountUnits: Units, nowMs: number = Date.now()): Voucher {
    if (amountUnits <= 0n) throw new LedgerRefusal('MALFORMED', 'a payment is above 0');
    this.#raiseTo(this.#cumulativeUnits + amountUnits);
    return this.wallet.voucher({
      channelId: this.terms.channelId,
      payee: this.terms.payee,
      cumulativeUnits: this.#cumulativeUnits,
      validUntilMs: BigInt(Math.floor(nowMs)) + VOUCHER_VALID_MS,
    });
  }

  /** The chain that ticks are taken from. */
  get chain(): TickChain | undefined {
    return this.#chain;
  }

  /**
   * Pays by another chain from now on, once the ledger has taken its commitment (CommitTicks). Refused
   * with TICKS_LEFT while what is owed does not cover the last chain, and with SUPERSEDED when the new
   * one begins below what is owed.
   */
  adopt(chain: TickChain): void {
    const last = this.#chain?.commitment;
    if (last !== undefined && this.#ticksCovered(last) < last.ticksMax) {
      const text = `${this.#ticksCovered(last)} of ${last.ticksMax} ticks are used`;
      throw new LedgerRefusal('TICKS_LEFT', text);
    }
    const { baseUnits } = chain.commitment;
    if (baseUnits < this.#cumulativeUnits) {
      const text = `the chain begins at ${baseUnits} of ${this.#cumulativeUnits} units owed`;
      throw new LedgerRefusal('SUPERSEDED', text);
    }
    this.#raiseTo(baseUnits);
    this.#chain = chain;
  }

  /**
   * The tick that lies `count` ticks above the last one covered by what is owed. It pays `count` tick
   * values more, less the part of the first that a voucher has paid.
   */
  payTicks(count = 1): Tick {
    const { channelId } = this.terms;
    const chain = this.#chain;
    if (chain === undefined) {
      throw new LedgerRefusal('TICKS_NOT_COMMITTED', 'this channel has no tick commitment');
    }
    const { ticksMax } = chain.commitment;
    const covered = this.#ticksCovered(chain.commitment);
    if (!Number.isInteger(count) || count < 1 || covered + BigInt(count) > ticksMax) {
      const text = `${count} ticks after tick ${covered} of ${ticksMax}`;
      throw new LedgerRefusal('TICK_OUT_OF_RANGE', text);
    }
    const index = covered + BigInt(count);
    this.#raiseTo(tickUnits(chain.commitment, index));
    return {
      channelId: toBuffer(channelId),
      index,
      preimage: toBuffer(chain.preimage(Number(index))),
    };
  }

  /** The last tick of a chain that adds nothing to what is owed; it may lie beyond the chain. */
  #ticksCovered({ baseUnits, tickValueUnits }: TickCommitment): bigint {
    if (this.#cumulativeUnits <= baseUnits) return 0n;
    return (this.#cumulativeUnits - baseUnits) / tickValueUnits;
  }

  #raiseTo(cumulativeUnits: Units): void {
    if (cumulativeUnits > this.terms.depositUnits) {
      const text = `${cumulativeUnits} units owed, the deposit is ${this.terms.depositUnits}`;
      throw new LedgerRefusal('ABOVE_DEPOSIT', text);
    }
    if (cumulativeUnits > this.#cumulativeUnits) this.#cumulativeUnits = cumulativeUnits;
  }
}

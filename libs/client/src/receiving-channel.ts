import type { Tick, Voucher } from '#libs/contracts';
import { parsePublicKey, sha256, verify } from '#libs/crypto';
import {
  type Address,
  accept,
  addressOfPublicKey,
  checkValidity,
  type Digests,
  equalBytes,
  hashesForward,
  LIMITS,
  type Result,
  refuse,
  type TickCommitment,
  tickUnits,
  type Units,
} from '#libs/domain';
import { LedgerRefusal } from './errors.js';

/** What a payee must know of a channel: read it from DescribeChannel, never from the payer alone. */
export type ReceivingTerms = {
  readonly channelId: Uint8Array;
  readonly payer: Address;
  /** Who signs its payments; without it the payer. */
  readonly signer?: Address | undefined;
  /** 33 or 65 bytes; the payer sends it, and it must hash to the signer's address. */
  readonly signerPublicKey: Uint8Array;
  /**
   * Take payments signed by a session key of the payer. They are booked like others, but the vault pays only for
   * vouchers of the payer's own key: what is not booked yet could not be enforced on chain.
   */
  readonly takesSessionKey?: boolean | undefined;
  readonly payee: Address;
  readonly depositUnits: Units;
  readonly ticks?: TickCommitment | undefined;
  /** Owed before, when going on after a restart. */
  readonly cumulativeUnits?: Units | undefined;
};

/**
 * The payee's end of a channel: checks a payment before the next piece is served, by the same rules
 * as the ledger, and remembers the highest one. An accepted payment still has to be posted.
 */
export class ReceivingChannel {
  readonly #publicKey: Uint8Array;
  #cumulativeUnits: Units;
  #ticks: TickCommitment | undefined;
  /** The last tick proven, and its preimage. */
  #tickIndex = 0n;
  #anchor: Uint8Array;

  /**
   * Throws a LedgerRefusal when the public key is not the signer's, or the signer is a session key and that
   * is not wanted.
   */
  constructor(
    private readonly digests: Digests,
    readonly terms: ReceivingTerms,
  ) {
    const signer = terms.signer ?? terms.payer;
    if (signer !== terms.payer && terms.takesSessionKey !== true) {
      const text = 'a session key signs the channel, whose vouchers cannot be enforced on chain';
      throw new LedgerRefusal('NOT_PERMITTED', text);
    }
    const publicKey = parsePublicKey(terms.signerPublicKey);
    if (publicKey === undefined || addressOfPublicKey(publicKey) !== signer) {
      throw new LedgerRefusal('BAD_SIGNATURE', 'the public key is not that of the signer');
    }
    this.#publicKey = publicKey;
    this.#cumulativeUnits = terms.cumulativeUnits ?? 0n;
    this.#ticks = terms.ticks;
    this.#anchor = terms.ticks?.chainEnd ?? new Uint8Array(32);
  }

  /** The highest amount proven so far. */
  get cumulativeUnits(): Units {
    return this.#cumulativeUnits;
  }

  /** Takes a voucher; returns the units it adds, or the reason why the ledger would refuse it. */
  takeVoucher(voucher: Voucher, nowMs: number = Date.now()): Result<Units> {
    const { terms } = this;
    if (!equalBytes(voucher.channelId, terms.channelId)) {
      return refuse('CHANNEL_UNKNOWN', 'the voucher is for another channel');
    }
    if (voucher.payee !== terms.payee) return refuse('PAYEE_MISMATCH', 'another payee');
    const invalid = checkValidity(voucher.validUntilMs, BigInt(Math.floor(nowMs)));
    if (invalid !== undefined) return invalid;
    const outside = this.#checkAmount(voucher.cumulativeUnits);
    if (outside !== undefined) return outside;
    if (!verify(this.digests.voucher(voucher), voucher.signature, this.#publicKey)) {
      return refuse('BAD_SIGNATURE', 'the signature is not the signer’s');
    }
    return accept(this.#raiseTo(voucher.cumulativeUnits));
  }

  /**
   * Takes ticks of another chain from now on: that of DescribeChannel after the payer's CommitTicks. A
   * chain that is not later than the present one changes nothing.
   */
  adopt(ticks: TickCommitment): void {
    if (this.#ticks !== undefined && ticks.baseUnits <= this.#ticks.baseUnits) return;
    this.#ticks = ticks;
    this.#tickIndex = 0n;
    this.#anchor = ticks.chainEnd;
  }

  /**
   * Takes a tick; returns the units it adds, or the reason why the ledger would refuse it. One that
   * vouchers have overtaken adds nothing (SUPERSEDED), but later ticks are hashed to it from then on. So
   * when one is too far ahead (TICK_OUT_OF_RANGE), show those of `ticksUpTo` first, as to the ledger.
   */
  takeTick(tick: Tick): Result<Units> {
    const { channelId } = this.terms;
    const ticks = this.#ticks;
    if (!equalBytes(tick.channelId, channelId)) {
      return refuse('CHANNEL_UNKNOWN', 'the tick is for another channel');
    }
    if (ticks === undefined) return refuse('TICKS_NOT_COMMITTED', 'no tick commitment');
    const steps = tick.index - this.#tickIndex;
    if (tick.index < 1n || tick.index > ticks.ticksMax || steps > BigInt(LIMITS.tickStepsMax)) {
      const text = `tick ${tick.index} of ${ticks.ticksMax}, ${this.#tickIndex} are proven`;
      return refuse('TICK_OUT_OF_RANGE', text);
    }
    const cumulativeUnits = tickUnits(ticks, tick.index);
    const outside = this.#checkAmount(cumulativeUnits);
    if (outside?.reason === 'ABOVE_DEPOSIT') return outside;
    const isProven =
      steps > 0n && hashesForward(tick.preimage, Number(steps), this.#anchor, sha256);
    if (isProven) {
      this.#tickIndex = tick.index;
      this.#anchor = tick.preimage;
    }
    if (outside !== undefined) return outside;
    if (!isProven) return refuse('BAD_PREIMAGE', 'the preimage does not hash to the last tick');
    return accept(this.#raiseTo(cumulativeUnits));
  }

  #checkAmount(cumulativeUnits: Units) {
    if (cumulativeUnits > this.terms.depositUnits) {
      return refuse('ABOVE_DEPOSIT', `${cumulativeUnits} of ${this.terms.depositUnits} units`);
    }
    if (cumulativeUnits <= this.#cumulativeUnits) {
      return refuse('SUPERSEDED', `${this.#cumulativeUnits} units are already proven`);
    }
    return undefined;
  }

  #raiseTo(cumulativeUnits: Units): Units {
    const addedUnits = cumulativeUnits - this.#cumulativeUnits;
    this.#cumulativeUnits = cumulativeUnits;
    return addedUnits;
  }
}

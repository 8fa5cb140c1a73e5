import { describe, expect, it } from 'vitest';
import { LedgerRefusal } from './errors.js';
import { PayingChannel, TickChain } from './paying-channel.js';
import { ReceivingChannel } from './receiving-channel.js';
import { ticksUpTo } from './ticks-up-to.js';
import { newId, Wallet } from './wallet.js';

const domain = { chainId: 1n, vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8' };
const payer = Wallet.generate(domain);
const payee = Wallet.generate(domain);

function pair(chain?: TickChain, depositUnits = 100n) {
  const channelId = newId();
  const ends = { channelId, depositUnits, payee: payee.address };
  const paying = new PayingChannel(payer, { ...ends, chain });
  const terms = {
    ...ends,
    payer: payer.address,
    signerPublicKey: payer.publicKey,
    ticks: chain?.commitment,
  };
  return { paying, receiving: new ReceivingChannel(payee.digests, terms), terms };
}

describe('PayingChannel and ReceivingChannel', () => {
  it('add up the same amount, voucher by voucher', () => {
    const { paying, receiving } = pair();
    expect(receiving.takeVoucher(paying.pay(30n))).toEqual({ ok: true, value: 30n });
    const skipped = paying.pay(10n);
    expect(receiving.takeVoucher(paying.pay(5n))).toEqual({ ok: true, value: 15n });
    expect(receiving.takeVoucher(skipped)).toMatchObject({ reason: 'SUPERSEDED' });
    expect([paying.cumulativeUnits, paying.remainingUnits]).toEqual([45n, 55n]);
    expect(receiving.cumulativeUnits).toBe(45n);
  });

  it('add up ticks, also several at once', () => {
    const chain = new TickChain(newId(), 2n, 40);
    const { paying, receiving } = pair(chain);
    expect(receiving.takeTick(paying.payTicks())).toEqual({ ok: true, value: 2n });
    expect(receiving.takeTick(paying.payTicks(10))).toEqual({ ok: true, value: 20n });
    const next = paying.payTicks();
    expect(receiving.takeTick({ ...next, preimage: newId() })).toMatchObject({
      reason: 'BAD_PREIMAGE',
    });
    expect(receiving.takeTick(next)).toEqual({ ok: true, value: 2n });
    expect(receiving.takeTick(next)).toMatchObject({ reason: 'SUPERSEDED' });
    expect(receiving.takeTick({ ...next, index: 41n })).toMatchObject({
      reason: 'TICK_OUT_OF_RANGE',
    });
    expect(receiving.takeTick({ ...next, channelId: newId() })).toMatchObject({
      reason: 'CHANNEL_UNKNOWN',
    });
  });

  it('never sign above the deposit, below 1 or beyond the chain', () => {
    const { paying } = pair(new TickChain(newId(), 60n, 2));
    const reasonOf = (act: () => unknown) => {
      try {
        act();
      } catch (error) {
        return error instanceof LedgerRefusal ? error.reason : error;
      }
      return undefined;
    };
    expect(reasonOf(() => paying.pay(101n))).toBe('ABOVE_DEPOSIT');
    expect(reasonOf(() => paying.pay(0n))).toBe('MALFORMED');
    expect(reasonOf(() => paying.payTicks(2))).toBe('ABOVE_DEPOSIT');
    expect(reasonOf(() => paying.payTicks(3))).toBe('TICK_OUT_OF_RANGE');
    expect(reasonOf(() => paying.payTicks(0.5))).toBe('TICK_OUT_OF_RANGE');
    expect(reasonOf(() => pair().paying.payTicks())).toBe('TICKS_NOT_COMMITTED');
    expect(paying.cumulativeUnits).toBe(0n);
  });

  it('refuse what the ledger would refuse, in its order', () => {
    const { paying, receiving, terms } = pair();
    const good = paying.pay(10n);
    const claim = { ...good, channelId: terms.channelId };
    const cases = [
      [{ ...claim, channelId: newId() }, 'CHANNEL_UNKNOWN'],
      [{ ...claim, payee: payer.address }, 'PAYEE_MISMATCH'],
      [{ ...claim, validUntilMs: 1n }, 'EXPIRED'],
      [{ ...claim, validUntilMs: 10n ** 15n }, 'MALFORMED'],
      [{ ...claim, cumulativeUnits: 101n }, 'ABOVE_DEPOSIT'],
      [{ ...claim, cumulativeUnits: 0n }, 'SUPERSEDED'],
      [{ ...claim, cumulativeUnits: 11n }, 'BAD_SIGNATURE'],
      [payee.voucher(claim), 'BAD_SIGNATURE'],
    ] as const;
    for (const [voucher, reason] of cases) {
      expect(receiving.takeVoucher(voucher)).toMatchObject({ ok: false, reason });
    }
    const tick = { channelId: terms.channelId, index: 1n, preimage: newId() };
    expect(receiving.takeTick(tick)).toMatchObject({ reason: 'TICKS_NOT_COMMITTED' });
    expect(receiving.cumulativeUnits).toBe(0n);
  });

  it('go on after a restart where they stopped', () => {
    const chain = new TickChain(newId(), 2n, 40);
    const { terms } = pair(chain);
    const paying = new PayingChannel(payer, { ...terms, chain, cumulativeUnits: 20n });
    expect(paying.payTicks().index).toBe(11n);
    const later = new TickChain(newId(), 2n, 40, 30n);
    const resumed = (cumulativeUnits: bigint) =>
      new PayingChannel(payer, { ...terms, chain: later, cumulativeUnits }).payTicks().index;
    expect([30n, 34n].map(resumed)).toEqual([1n, 3n]);
    const vouchers = new PayingChannel(payer, { ...terms, cumulativeUnits: 20n });
    expect(vouchers.pay(1n).cumulativeUnits).toBe(21n);
  });

  it('go on by another chain once the last one is used up, from what is owed', () => {
    const { paying, receiving } = pair(new TickChain(newId(), 5n, 2));
    const next = new TickChain(newId(), 3n, 10, 40n);
    expect(() => paying.adopt(next)).toThrow('0 of 2 ticks are used');
    receiving.takeTick(paying.payTicks(2));
    receiving.takeVoucher(paying.pay(30n));
    expect(() => paying.adopt(new TickChain(newId(), 3n, 10, 39n))).toThrow('SUPERSEDED');
    expect(() => paying.adopt(new TickChain(newId(), 3n, 10, 101n))).toThrow('ABOVE_DEPOSIT');
    paying.adopt(next);
    receiving.adopt(next.commitment);
    expect(receiving.takeTick(paying.payTicks())).toEqual({ ok: true, value: 3n });
    receiving.adopt(next.commitment); // Heard twice: the position stays.
    expect(receiving.takeTick(paying.payTicks(4))).toEqual({ ok: true, value: 12n });
    expect([paying.cumulativeUnits, receiving.cumulativeUnits]).toEqual([55n, 55n]);
    expect(paying.chain).toBe(next);
  });

  it('count ticks from what vouchers have paid', () => {
    const { paying, receiving } = pair(new TickChain(newId(), 10n, 200), 10_000n);
    receiving.takeVoucher(paying.pay(1_000n));
    const tick = paying.payTicks();
    expect(tick.index).toBe(101n);
    expect(receiving.takeTick(tick)).toEqual({ ok: true, value: 10n });
    receiving.takeVoucher(paying.pay(4n));
    expect(receiving.takeTick(paying.payTicks(2))).toEqual({ ok: true, value: 16n });
    expect([paying.cumulativeUnits, receiving.cumulativeUnits]).toEqual([1_030n, 1_030n]);
    expect(() => paying.payTicks(98)).toThrow('98 ticks after tick 103 of 200');
    // A chain that vouchers have paid to its end is used up, as it is in the ledger.
    paying.pay(970n);
    expect(() => paying.payTicks()).toThrow('TICK_OUT_OF_RANGE');
    const next = new TickChain(newId(), 10n, 5, 2_000n);
    paying.adopt(next);
    expect(paying.payTicks().index).toBe(1n);
  });

  it('take up ticks on a channel that was opened without', () => {
    const { paying, receiving } = pair();
    receiving.takeVoucher(paying.pay(20n));
    const chain = new TickChain(newId(), 2n, 5, 20n);
    paying.adopt(chain);
    receiving.adopt(chain.commitment);
    expect(receiving.takeTick(paying.payTicks(5))).toEqual({ ok: true, value: 10n });
  });

  it('hash later ticks to one that a voucher has overtaken', () => {
    const chain = new TickChain(newId(), 1n, 40_000);
    const { paying, receiving } = pair(chain, 40_000n);
    const tickOf = (index: number) => ({
      channelId: Buffer.from(paying.terms.channelId),
      index: BigInt(index),
      preimage: Buffer.from(chain.preimage(index)),
    });
    receiving.takeVoucher(paying.pay(12_000n));
    const far = paying.payTicks(13_000);
    expect(receiving.takeTick(far)).toMatchObject({ reason: 'TICK_OUT_OF_RANGE' });
    const lie = { ...tickOf(9_000), preimage: newId() };
    expect(receiving.takeTick(lie)).toMatchObject({ reason: 'SUPERSEDED' });
    expect(receiving.takeTick(tickOf(15_500))).toMatchObject({ reason: 'TICK_OUT_OF_RANGE' });
    const path = ticksUpTo(far, 0n);
    expect(path.map(({ index }) => index)).toEqual([10_000n, 20_000n, 25_000n]);
    expect(path.slice(0, 2)).toEqual([tickOf(10_000), tickOf(20_000)]);
    const results = path.map((tick) => receiving.takeTick(tick));
    expect(results).toMatchObject([{ reason: 'SUPERSEDED' }, { value: 8_000n }, { value: 5_000n }]);
    expect(receiving.cumulativeUnits).toBe(25_000n);
    expect(ticksUpTo(far, 15_000n)).toEqual([far]);
    expect(ticksUpTo(far, 14_999n).map(({ index }) => index)).toEqual([24_999n, 25_000n]);
    expect(ticksUpTo(far, 30_000n)).toEqual([far]);
  });

  it('want the payer’s own key', () => {
    const { terms } = pair();
    const wrong = { ...terms, signerPublicKey: payee.publicKey };
    expect(() => new ReceivingChannel(payee.digests, wrong)).toThrow(LedgerRefusal);
    expect(() => new TickChain(new Uint8Array(5), 1n, 1)).toThrow(TypeError);
  });

  it('take a session key of the payer only when the payee says so, and then that key alone', () => {
    const { terms, paying: byPayer } = pair();
    const session = Wallet.generate(domain);
    const signed = { ...terms, signer: session.address, signerPublicKey: session.publicKey };
    expect(() => new ReceivingChannel(payee.digests, signed)).toThrow(/enforced on chain/);
    const takesSessionKey = true;
    const wrong = { ...signed, signerPublicKey: payer.publicKey, takesSessionKey };
    expect(() => new ReceivingChannel(payee.digests, wrong)).toThrow(LedgerRefusal);
    const receiving = new ReceivingChannel(payee.digests, { ...signed, takesSessionKey });
    expect(receiving.takeVoucher(byPayer.pay(5n))).toMatchObject({ reason: 'BAD_SIGNATURE' });
    const paying = new PayingChannel(session, terms);
    expect(receiving.takeVoucher(paying.pay(7n))).toEqual({ ok: true, value: 7n });
  });
});

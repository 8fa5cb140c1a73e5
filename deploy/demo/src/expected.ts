import type { Address, AssetName, Units } from '#libs/domain';
import { toHex } from '#libs/domain';

/** What an account must hold, in units; the same four figures as the ledger's balances. */
export type ExpectedBalances = {
  readonly availableUnits: Units;
  readonly heldUnits: Units;
  readonly inChannelsUnits: Units;
  readonly withdrawingUnits: Units;
};

/** What the demo as a whole must have moved. */
export type ExpectedTotals = {
  readonly depositedUnits: Readonly<Record<AssetName, Units>>;
  readonly withdrawnUnits: Readonly<Record<AssetName, Units>>;
  readonly feesUnits: Units;
  /** What all accounts together still hold. */
  readonly heldByAccountsUnits: Units;
  readonly channelsOpened: number;
  readonly channelsClosed: number;
};

type Channel = {
  readonly payer: Address;
  readonly payee: Address;
  readonly depositUnits: Units;
  cumulativeUnits: Units;
  closed: boolean;
};
type Hold = { readonly account: Address; units: Units };
type Withdrawal = {
  readonly account: Address;
  readonly asset: AssetName;
  readonly amountUnits: Units;
  readonly feeUnits: Units;
};
type Kind = keyof ExpectedBalances;

/**
 * The demo's own books: what every account must hold, from what the demo itself did, never from what
 * the ledger said. Throws when a step would take more than there is, which is a mistake of the demo.
 */
export class ExpectedBooks {
  readonly #balances = new Map<Address, Record<Kind, Units>>();
  readonly #channels = new Map<string, Channel>();
  readonly #holds = new Map<string, Hold>();
  readonly #withdrawals = new Map<string, Withdrawal>();
  readonly #deposited: Record<AssetName, Units> = { TRC20_BTT: 0n, TRC10_BTTOLD: 0n };
  readonly #withdrawn: Record<AssetName, Units> = { TRC20_BTT: 0n, TRC10_BTTOLD: 0n };
  #feesUnits = 0n;

  deposit(account: Address, asset: AssetName, units: Units): void {
    this.#deposited[asset] += units;
    this.#add(account, 'availableUnits', units);
  }

  hold(account: Address, bidId: Uint8Array, units: Units): void {
    this.#holds.set(toHex(bidId), { account, units });
    this.#move(account, 'availableUnits', 'heldUnits', units);
  }

  /** Opens a lease from the hold of a bid. */
  lease(bidId: Uint8Array, channelId: Uint8Array, payee: Address, depositUnits: Units): void {
    const hold = this.#holds.get(toHex(bidId));
    if (hold === undefined) throw new Error('a lease without a hold');
    hold.units -= depositUnits;
    this.#move(hold.account, 'heldUnits', 'inChannelsUnits', depositUnits);
    this.#addChannel(channelId, { payer: hold.account, payee, depositUnits });
  }

  /** Gives back what is left of a hold. */
  release(bidId: Uint8Array): void {
    const hold = this.#holds.get(toHex(bidId));
    if (hold === undefined) throw new Error('a release without a hold');
    this.#move(hold.account, 'heldUnits', 'availableUnits', hold.units);
    hold.units = 0n;
  }

  open(payer: Address, payee: Address, channelId: Uint8Array, depositUnits: Units): void {
    this.#move(payer, 'availableUnits', 'inChannelsUnits', depositUnits);
    this.#addChannel(channelId, { payer, payee, depositUnits });
  }

  /** A payment was accepted: the channel owes at least this much. */
  paid(channelId: Uint8Array, cumulativeUnits: Units): void {
    const channel = this.#channel(channelId);
    if (channel.closed) throw new Error('a payment on a closed channel');
    const moreUnits = cumulativeUnits - channel.cumulativeUnits;
    if (moreUnits <= 0n) return;
    this.#add(channel.payer, 'inChannelsUnits', -moreUnits);
    channel.cumulativeUnits = cumulativeUnits;
    this.#add(channel.payee, 'availableUnits', moreUnits);
  }

  /** The remainder goes back to the payer. */
  close(channelId: Uint8Array): void {
    const channel = this.#channel(channelId);
    if (channel.closed) return;
    channel.closed = true;
    const restUnits = channel.depositUnits - channel.cumulativeUnits;
    this.#move(channel.payer, 'inChannelsUnits', 'availableUnits', restUnits);
  }

  withdraw(id: Uint8Array, withdrawal: Withdrawal): void {
    this.#withdrawals.set(toHex(id), withdrawal);
    const { account, amountUnits } = withdrawal;
    this.#move(account, 'availableUnits', 'withdrawingUnits', amountUnits);
  }

  /** The payout is solidified. */
  paidOut(id: Uint8Array): void {
    const withdrawal = this.#withdrawals.get(toHex(id));
    if (withdrawal === undefined) throw new Error('an unknown withdrawal was paid');
    this.#withdrawals.delete(toHex(id));
    const { account, asset, amountUnits, feeUnits } = withdrawal;
    this.#add(account, 'withdrawingUnits', -amountUnits);
    this.#withdrawn[asset] += amountUnits - feeUnits;
    this.#feesUnits += feeUnits;
  }

  cumulativeUnits(channelId: Uint8Array): Units {
    return this.#channel(channelId).cumulativeUnits;
  }

  balancesOf(account: Address): ExpectedBalances {
    return { ...this.#of(account) };
  }

  totals(): ExpectedTotals {
    const held = [...this.#balances.values()].flatMap((balances) => Object.values(balances));
    const channels = [...this.#channels.values()];
    return {
      depositedUnits: { ...this.#deposited },
      withdrawnUnits: { ...this.#withdrawn },
      feesUnits: this.#feesUnits,
      heldByAccountsUnits: held.reduce((sum, units) => sum + units, 0n),
      channelsOpened: channels.length,
      channelsClosed: channels.filter(({ closed }) => closed).length,
    };
  }

  #addChannel(channelId: Uint8Array, terms: Pick<Channel, 'payer' | 'payee' | 'depositUnits'>) {
    const key = toHex(channelId);
    if (this.#channels.has(key)) throw new Error('a channel was opened twice');
    this.#channels.set(key, { ...terms, cumulativeUnits: 0n, closed: false });
  }

  #channel(channelId: Uint8Array): Channel {
    const channel = this.#channels.get(toHex(channelId));
    if (channel === undefined) throw new Error('a channel that was never opened');
    return channel;
  }

  #move(account: Address, from: Kind, to: Kind, units: Units): void {
    this.#add(account, from, -units);
    this.#add(account, to, units);
  }

  #add(account: Address, kind: Kind, units: Units): void {
    const balances = this.#of(account);
    if (balances[kind] + units < 0n) {
      throw new Error(`${account} would have ${balances[kind] + units} ${kind}`);
    }
    balances[kind] += units;
  }

  #of(account: Address): Record<Kind, Units> {
    const known = this.#balances.get(account);
    if (known !== undefined) return known;
    const empty = { availableUnits: 0n, heldUnits: 0n, inChannelsUnits: 0n, withdrawingUnits: 0n };
    this.#balances.set(account, empty);
    return empty;
  }
}

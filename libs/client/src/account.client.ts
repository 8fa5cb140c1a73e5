import {
  assetToWire,
  type Balances,
  type Channel,
  type LedgerServiceClient,
  type ListChannelsResponse,
  type ListHistoryResponse,
  type ListSessionKeysResponse,
  type ListWithdrawalsResponse,
  type PageRequest,
  type QuoteWithdrawalResponse,
  type SessionKey,
  type TransferResponse,
  type Withdrawal,
} from '#libs/contracts';
import type { Address, AssetName, TickCommitment, TickTerms, Units } from '#libs/domain';
import { toBuffer } from './bytes.js';
import { SessionSource } from './connection.js';
import { LedgerUnavailable } from './errors.js';
import { homePartition, saltFor } from './home-partition.js';
import type { CallPolicy } from './policy.js';
import { callUnary, type UnaryMethod } from './unary.js';
import { newId, type SessionKeyTerms, type Wallet } from './wallet.js';
import { watchBalances } from './watch.js';

/** How long a signed request stays valid: longer than any retry, too short to be worth stealing. */
const REQUEST_VALID_MS = 600_000;

/**
 * A channel to be opened. The salt makes a repeat safe; without one a new one is drawn, by which the
 * channel lies in the payer's home partition, so that one bundle can pay it with the others.
 */
export type ChannelOrder = {
  readonly payee: Address;
  /** The account that pays, when the wallet's key is a session key of it. */
  readonly payer?: Address | undefined;
  readonly depositUnits: Units;
  readonly ticks?: TickTerms | undefined;
  readonly salt?: Uint8Array | undefined;
};

/** A withdrawal to be requested. The id makes a repeat safe; without one a new one is drawn. */
export type WithdrawalOrder = {
  readonly asset: AssetName;
  readonly amountUnits: Units;
  /** Without it: the account's own address. */
  readonly destination?: Address | undefined;
  readonly withdrawalId?: Uint8Array | undefined;
  /** True: the destination fetches it from the vault with a proof (SettlementClient.claim); TRC-20 only, at a lower fee. */
  readonly toClaim?: boolean | undefined;
};

/**
 * LedgerService for one wallet: everything it may sign and everything it may see. Every method
 * rejects with LedgerRefusal, LedgerUnavailable or, if it changes something, OutcomeUnknown; after
 * the last, repeat the call with the same id or salt.
 */
export class AccountClient {
  readonly #sessions: SessionSource;

  constructor(
    private readonly grpc: LedgerServiceClient,
    private readonly policy: CallPolicy,
    readonly wallet: Wallet,
    private readonly nowMs: () => number,
    private readonly partitions: number,
  ) {
    this.#sessions = new SessionSource(wallet, nowMs);
  }

  /** Stores the wallet's public key with the ledger. */
  async register(): Promise<Address> {
    const method = this.grpc.registerAccount.bind(this.grpc);
    return (await this.#write('RegisterAccount', method, this.wallet.register())).address;
  }

  async balances(): Promise<Balances> {
    const answer = await this.#read('GetAccount', this.grpc.getAccount.bind(this.grpc), {});
    return present('GetAccount', answer.balances);
  }

  /** Balances now and after each change, until the signal; survives lost connections. */
  watch(signal: AbortSignal): AsyncGenerator<Balances> {
    return watchBalances(this.grpc, () => this.#sessions.metadata(), this.policy, signal);
  }

  /** The first balances that satisfy the test; rejects with LedgerUnavailable after the time. */
  async waitFor(test: (balances: Balances) => boolean, timeoutMs: number): Promise<Balances> {
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const balances of this.watch(signal)) if (test(balances)) return balances;
    throw new LedgerUnavailable(`the balance waited for did not come in ${timeoutMs} ms`);
  }

  /** Moves units to another account at once. */
  transfer(t: {
    readonly payee: Address;
    readonly amountUnits: Units;
    readonly transferId?: Uint8Array | undefined;
  }): Promise<TransferResponse> {
    const request = this.wallet.transfer({
      transferId: toBuffer(t.transferId ?? newId()),
      payee: t.payee,
      amountUnits: t.amountUnits,
      validUntilMs: this.#validUntilMs(),
    });
    return this.#write('Transfer', this.grpc.transfer.bind(this.grpc), request);
  }

  /**
   * Lets another key, whose private part this wallet need not have, open channels and pay on them up to a cap
   * and until a time (Network.sessionKeyLifeMaxMs ahead at most). A repeat with the same terms is harmless.
   */
  async delegateSessionKey(terms: SessionKeyTerms): Promise<SessionKey> {
    const request = this.wallet.delegateSessionKey(terms, this.#validUntilMs());
    const method = this.grpc.delegateSessionKey.bind(this.grpc);
    const answer = await this.#write('DelegateSessionKey', method, request);
    return present('DelegateSessionKey', answer.sessionKey);
  }

  /** Lets a session key open nothing more; close what it has opened to stop its payments as well. */
  async revokeSessionKey(key: Address): Promise<SessionKey> {
    const request = this.wallet.revokeSessionKey(key, this.#validUntilMs());
    const method = this.grpc.revokeSessionKey.bind(this.grpc);
    const answer = await this.#write('RevokeSessionKey', method, request);
    return present('RevokeSessionKey', answer.sessionKey);
  }

  listSessionKeys(page?: PageRequest): Promise<ListSessionKeysResponse> {
    return this.#read('ListSessionKeys', this.grpc.listSessionKeys.bind(this.grpc), { page });
  }

  /**
   * Locks the deposit of a new channel. By a session key: refused with KEY_NOT_DELEGATED once it is revoked
   * or has expired, and with KEY_CAP_EXCEEDED above what its cap leaves.
   */
  async openChannel(order: ChannelOrder): Promise<Channel> {
    const payer = order.payer ?? this.wallet.address;
    const request = this.wallet.openChannel({
      payer,
      payee: order.payee,
      depositUnits: order.depositUnits,
      ticks: order.ticks,
      salt: order.salt ?? this.#homeSalt(payer, order.payee),
      validUntilMs: this.#validUntilMs(),
    });
    const method = this.grpc.openChannel.bind(this.grpc);
    return present('OpenChannel', (await this.#write('OpenChannel', method, request)).channel);
  }

  /**
   * Gives an open channel a hash chain to pay by. Refused with TICKS_LEFT while its last chain is not
   * used up and booked, and with SUPERSEDED when `ticks.baseUnits` is below what the channel owes.
   */
  async commitTicks(channelId: Uint8Array, ticks: TickCommitment): Promise<Channel> {
    const request = this.wallet.commitTicks(channelId, ticks, this.#validUntilMs());
    const method = this.grpc.commitTicks.bind(this.grpc);
    return present('CommitTicks', (await this.#write('CommitTicks', method, request)).channel);
  }

  /**
   * Begins the end of a channel: at once for its payee, after the dispute window for its payer or the
   * session key that signs it.
   */
  async closeChannel(channelId: Uint8Array): Promise<Channel> {
    const request = this.wallet.closeChannel(channelId, this.#validUntilMs());
    const method = this.grpc.closeChannel.bind(this.grpc);
    return present('CloseChannel', (await this.#write('CloseChannel', method, request)).channel);
  }

  listChannels(page?: PageRequest): Promise<ListChannelsResponse> {
    return this.#read('ListChannels', this.grpc.listChannels.bind(this.grpc), { page });
  }

  listHistory(page?: PageRequest): Promise<ListHistoryResponse> {
    return this.#read('ListHistory', this.grpc.listHistory.bind(this.grpc), { page });
  }

  /** Fee, limits, place in the queue and expected time, before anything is submitted. */
  quoteWithdrawal(asset: AssetName, amountUnits: Units): Promise<QuoteWithdrawalResponse> {
    const request = { asset: assetToWire(asset), amountUnits };
    return this.#read('QuoteWithdrawal', this.grpc.quoteWithdrawal.bind(this.grpc), request);
  }

  /** Takes units out of the balance and queues their payout on the chain. */
  async withdraw(order: WithdrawalOrder): Promise<Withdrawal> {
    const request = this.wallet.withdraw({
      withdrawalId: order.withdrawalId ?? newId(),
      asset: order.asset,
      destination: order.destination ?? this.wallet.address,
      amountUnits: order.amountUnits,
      validUntilMs: this.#validUntilMs(),
      toClaim: order.toClaim,
    });
    const method = this.grpc.requestWithdrawal.bind(this.grpc);
    const answer = await this.#write('RequestWithdrawal', method, request);
    return present('RequestWithdrawal', answer.withdrawal);
  }

  /** Gives the units back while the payout is not yet planned. */
  async cancelWithdrawal(withdrawalId: Uint8Array): Promise<Withdrawal> {
    const request = this.wallet.cancelWithdrawal(withdrawalId, this.#validUntilMs());
    const method = this.grpc.cancelWithdrawal.bind(this.grpc);
    const answer = await this.#write('CancelWithdrawal', method, request);
    return present('CancelWithdrawal', answer.withdrawal);
  }

  async getWithdrawal(withdrawalId: Uint8Array): Promise<Withdrawal> {
    const method = this.grpc.getWithdrawal.bind(this.grpc);
    const answer = await this.#read('GetWithdrawal', method, {
      withdrawalId: toBuffer(withdrawalId),
    });
    return present('GetWithdrawal', answer.withdrawal);
  }

  listWithdrawals(page?: PageRequest): Promise<ListWithdrawalsResponse> {
    return this.#read('ListWithdrawals', this.grpc.listWithdrawals.bind(this.grpc), { page });
  }

  #homeSalt(payer: Address, payee: Address): Buffer {
    const ends = { payer, payee };
    return saltFor(ends, homePartition(payer, this.partitions), this.partitions);
  }

  #validUntilMs(): bigint {
    return BigInt(Math.floor(this.nowMs()) + REQUEST_VALID_MS);
  }

  #read<Req, Res>(name: string, method: UnaryMethod<Req, Res>, request: Req): Promise<Res> {
    return this.#call(name, method, request, 'read');
  }

  #write<Req, Res>(name: string, method: UnaryMethod<Req, Res>, request: Req): Promise<Res> {
    return this.#call(name, method, request, 'write');
  }

  #call<Req, Res>(
    name: string,
    method: UnaryMethod<Req, Res>,
    request: Req,
    effect: 'read' | 'write',
  ): Promise<Res> {
    const metadata = (fresh: boolean) => this.#sessions.metadata(fresh);
    return callUnary({ name, method, effect, metadata }, request, this.policy);
  }
}

function present<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new LedgerUnavailable(`${name}: an empty answer`);
  return value;
}

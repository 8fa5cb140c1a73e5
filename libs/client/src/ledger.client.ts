import {
  type Channel,
  type GetNetworkResponse,
  type GetTotalsResponse,
  LedgerServiceClient,
} from '#libs/contracts';
import type { SigningDomain, Units } from '#libs/domain';
import { AccountClient } from './account.client.js';
import { toBuffer } from './bytes.js';
import { CHANNEL_OPTIONS, type ClientSettings, credentialsOf, policyOf } from './connection.js';
import { LedgerUnavailable } from './errors.js';
import type { CallPolicy } from './policy.js';
import { callUnary } from './unary.js';
import type { Wallet } from './wallet.js';

/** What a client must know of a ledger: how to sign for it, and its limits. */
export type Network = {
  readonly domain: SigningDomain;
  readonly trc20Address: string;
  readonly trc10Id: string;
  readonly partitions: number;
  readonly disputeWindowMs: bigint;
  readonly withdrawalMinUnits: Units;
  readonly withdrawalMaxUnits: Units;
  readonly withdrawalFeeUnits: Units;
  readonly sessionKeysMax: number;
  readonly sessionKeyLifeMaxMs: bigint;
};

/** LedgerService: what anyone may ask, and {@link account} for what a wallet may do. */
export class LedgerClient {
  private constructor(
    private readonly grpc: LedgerServiceClient,
    private readonly policy: CallPolicy,
    readonly network: Network,
    private readonly clockAheadMs: number,
  ) {}

  /** Connects to `host:port` and reads the network's parameters. */
  static async connect(address: string, settings: ClientSettings = {}): Promise<LedgerClient> {
    const grpc = new LedgerServiceClient(address, credentialsOf(settings), CHANNEL_OPTIONS);
    const policy = policyOf(settings);
    try {
      const answer = await callUnary(
        { name: 'GetNetwork', method: grpc.getNetwork.bind(grpc), effect: 'read' },
        {},
        policy,
      );
      return new LedgerClient(grpc, policy, networkOf(answer), Number(answer.nowMs) - Date.now());
    } catch (error) {
      grpc.close();
      throw error;
    }
  }

  /** The ledger's clock, as far as this client can tell. */
  nowMs(): number {
    return Date.now() + this.clockAheadMs;
  }

  /** The ledger as one wallet sees it. It shares this client's connection. */
  account(wallet: Wallet): AccountClient {
    const { partitions } = this.network;
    return new AccountClient(this.grpc, this.policy, wallet, () => this.nowMs(), partitions);
  }

  /** One channel, by its 32-byte id. Refused with CHANNEL_UNKNOWN. */
  async describeChannel(channelId: Uint8Array): Promise<Channel> {
    const method = this.grpc.describeChannel.bind(this.grpc);
    const call = { name: 'DescribeChannel', method, effect: 'read' } as const;
    const { channel } = await callUnary(call, { channelId: toBuffer(channelId) }, this.policy);
    if (channel === undefined) throw new LedgerUnavailable('DescribeChannel: an empty answer');
    return channel;
  }

  /** Sums of the whole ledger, to check conservation. */
  totals(): Promise<GetTotalsResponse> {
    const method = this.grpc.getTotals.bind(this.grpc);
    return callUnary({ name: 'GetTotals', method, effect: 'read' }, {}, this.policy);
  }

  /** Ends the connection, also for the accounts made from this client. */
  close(): void {
    this.grpc.close();
  }
}

function networkOf(answer: GetNetworkResponse): Network {
  return {
    domain: { chainId: answer.chainId, vaultAddress: answer.vaultAddress },
    trc20Address: answer.trc20Address,
    trc10Id: answer.trc10Id,
    partitions: answer.partitions,
    disputeWindowMs: answer.disputeWindowMs,
    withdrawalMinUnits: answer.withdrawalMinUnits,
    withdrawalMaxUnits: answer.withdrawalMaxUnits,
    withdrawalFeeUnits: answer.withdrawalFeeUnits,
    sessionKeysMax: answer.sessionKeysMax,
    sessionKeyLifeMaxMs: answer.sessionKeyLifeMaxMs,
  };
}

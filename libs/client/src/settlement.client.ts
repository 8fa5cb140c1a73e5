import {
  type Deposit,
  type DepositTarget,
  type Epoch,
  type ListBatchesResponse,
  type ListEpochsResponse,
  type PageRequest,
  SettlementServiceClient,
} from '#libs/contracts';
import { equalBytes, foldProof, toHex, type Units } from '#libs/domain';
import { toBuffer } from './bytes.js';
import {
  CHANNEL_OPTIONS,
  type ClientSettings,
  credentialsOf,
  policyOf,
  SessionSource,
} from './connection.js';
import { LedgerUnavailable } from './errors.js';
import type { CallPolicy } from './policy.js';
import { callUnary, type UnaryMethod } from './unary.js';
import type { Wallet } from './wallet.js';

/** Which leaf of which epoch is to be proven. */
export type ProofOf = {
  readonly epochNo?: bigint | undefined;
  /** A channel that the wallet pays or is paid by; without one its account. */
  readonly channelId?: Uint8Array | undefined;
};

/** A leaf, its proof, and what it says is owed. docs/vault.md has the layout of the bytes. */
export type InclusionProof = {
  readonly epoch: Epoch;
  readonly leaf: Buffer;
  readonly proof: Buffer;
  readonly units: Units;
};

/** What the vault has of a claim set; `claimSetOf` of libs/tron reads it. */
export type ClaimSetOnChain = {
  /** 32 bytes hex. */
  readonly root: string;
  readonly totalUnits: Units;
  readonly claimableUntilS: bigint;
  readonly released: boolean;
};

/** What a withdrawal is claimed with: the vault's `claim(leaf, proof)`, which anybody may call, pays its destination. */
export type ClaimProof = {
  readonly leaf: Buffer;
  readonly proof: Buffer;
  readonly units: Units;
  readonly claimableUntilMs: bigint;
};

/** SettlementService: where funds come in, and what became of deposits and payouts. */
export class SettlementClient {
  readonly #grpc: SettlementServiceClient;
  readonly #policy: CallPolicy;

  constructor(address: string, settings: ClientSettings = {}) {
    this.#grpc = new SettlementServiceClient(address, credentialsOf(settings), CHANNEL_OPTIONS);
    this.#policy = policyOf(settings);
  }

  /** Where to send each asset; the sender's address is the account credited. */
  async depositTargets(): Promise<DepositTarget[]> {
    const method = this.#grpc.getDepositTargets.bind(this.#grpc);
    return (await this.#read('GetDepositTargets', method, {})).targets;
  }

  /** What is known of the transfers of one transaction; empty before it is solidified. */
  async deposits(txid: Uint8Array): Promise<Deposit[]> {
    const method = this.#grpc.getDeposit.bind(this.#grpc);
    return (await this.#read('GetDeposit', method, { txid: toBuffer(txid) })).deposits;
  }

  listEpochs(page?: PageRequest): Promise<ListEpochsResponse> {
    return this.#read('ListEpochs', this.#grpc.listEpochs.bind(this.#grpc), { page });
  }

  /**
   * Proof that the wallet's account, or one of its channels, is in an epoch; without a number in the newest one
   * committed. Keep it: it is what the vault pays by when the operator is gone. It is checked to lead to the root
   * that is told with it; compare that root with the one on the chain (docs/verify.md). Refused with NOT_FOUND when
   * nothing was owed there; rejects with LedgerUnavailable when the proof does not hold.
   */
  async inclusionProof(wallet: Wallet, of: ProofOf = {}): Promise<InclusionProof> {
    const session = new SessionSource(wallet, Date.now);
    const method = this.#grpc.getInclusionProof.bind(this.#grpc);
    const answer = await callUnary(
      {
        name: 'GetInclusionProof',
        method,
        effect: 'read',
        metadata: (fresh) => session.metadata(fresh),
      },
      { epochNo: of.epochNo ?? 0n, channelId: toBuffer(of.channelId ?? new Uint8Array(0)) },
      this.#policy,
    );
    const { epoch, leaf, proof } = answer;
    const reached = foldProof(leaf, proof);
    const holds =
      epoch !== undefined &&
      reached !== undefined &&
      reached.totalUnits === epoch.totalUnits &&
      equalBytes(reached.root, epoch.root);
    if (!holds) throw new LedgerUnavailable('GetInclusionProof: the proof does not hold');
    return { epoch, leaf, proof, units: leaf.readBigUInt64BE(leaf.length - 8) };
  }

  /**
   * What a claimable withdrawal of the wallet's account is claimed with, checked against what the vault itself has of the
   * set (`onChain`, by the set's id). Refused with NOT_FOUND when there is nothing to be claimed; rejects with
   * LedgerUnavailable when the proof does not lead to what the vault has.
   */
  async claim(
    wallet: Wallet,
    withdrawalId: Uint8Array,
    onChain: (chainBatchId: Uint8Array) => Promise<ClaimSetOnChain>,
  ): Promise<ClaimProof> {
    const session = new SessionSource(wallet, Date.now);
    const method = this.#grpc.getClaim.bind(this.#grpc);
    const { leaf, proof, claimableUntilMs } = await callUnary(
      {
        name: 'GetClaim',
        method,
        effect: 'read',
        metadata: (fresh) => session.metadata(fresh),
      },
      { withdrawalId: toBuffer(withdrawalId) },
      this.#policy,
    );
    const reached = foldProof(leaf, proof);
    const set = await onChain(leaf.subarray(1, 33));
    const holds =
      reached !== undefined &&
      !set.released &&
      set.totalUnits === reached.totalUnits &&
      set.root === toHex(reached.root) &&
      set.claimableUntilS * 1_000n === claimableUntilMs;
    if (!holds) throw new LedgerUnavailable('GetClaim: the vault has another claim set');
    return { leaf, proof, units: leaf.readBigUInt64BE(leaf.length - 8), claimableUntilMs };
  }

  listBatches(page?: PageRequest): Promise<ListBatchesResponse> {
    return this.#read('ListBatches', this.#grpc.listBatches.bind(this.#grpc), { page });
  }

  close(): void {
    this.#grpc.close();
  }

  #read<Req, Res>(name: string, method: UnaryMethod<Req, Res>, request: Req): Promise<Res> {
    return callUnary({ name, method, effect: 'read' }, request, this.#policy);
  }
}

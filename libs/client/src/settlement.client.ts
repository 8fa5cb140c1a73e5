import {
  type Deposit,
  type DepositTarget,
  type ListBatchesResponse,
  type PageRequest,
  SettlementServiceClient,
} from '#libs/contracts';
import { toBuffer } from './bytes.js';
import { CHANNEL_OPTIONS, type ClientSettings, credentialsOf, policyOf } from './connection.js';
import type { CallPolicy } from './policy.js';
import { callUnary, type UnaryMethod } from './unary.js';

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

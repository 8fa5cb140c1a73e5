import { setTimeout as sleep } from 'node:timers/promises';
import { TronWeb } from 'tronweb';
import { type Address, addressFromBytes, fromHex } from '#libs/domain';
import { abiAddress, callData } from './abi.js';
import { TronNodeError } from './errors.js';
import { type NodeOptions, NodeProvider } from './node-provider.js';
import { KeySigner } from './signer.js';
import { buildTransaction, type ChainCall, signedTransactionHex } from './transaction.js';
import { TronWebChain } from './tronweb-chain.js';

/** A contract ready to be deployed. */
export type Deployable = {
  readonly contractName: string;
  readonly abi: readonly unknown[];
  readonly bytecode: string;
};

const EXPIRATION_MS = 60_000n;
const POLL_MS = 100;

/**
 * Sends single transactions from one key and waits until they are in a block: for provisioning,
 * for clients that deposit, and for tests. Settlement does not use it: it stores before it sends.
 */
export class ChainWallet {
  readonly address: Address;
  private readonly chain: TronWebChain;
  private readonly provider: NodeProvider;
  private readonly signer: KeySigner;
  private lastTimestampMs = 0n;

  constructor(
    node: NodeOptions,
    private readonly privateKeyHex: string,
  ) {
    this.chain = new TronWebChain(node);
    this.provider = new NodeProvider(node);
    this.signer = new KeySigner(privateKeyHex);
    this.address = this.signer.address;
  }

  /** Sends TRX; returns the transaction id. */
  sendTrx(to: Address, amountSun: bigint): Promise<string> {
    return this.send({ kind: 'trx', to, amountSun }, 0n);
  }

  /** Sends a TRC-10 token; returns the transaction id. */
  sendTrc10(tokenId: string, to: Address, amountBaseUnits: bigint): Promise<string> {
    return this.send({ kind: 'trc10', tokenId, to, amountBaseUnits }, 0n);
  }

  /** Sends a TRC-20 token; returns the transaction id. */
  sendTrc20(contract: Address, to: Address, amountBaseUnits: bigint): Promise<string> {
    return this.trigger(
      contract,
      callData('transfer(address,uint256)', [abiAddress(to), amountBaseUnits]),
    );
  }

  /** Calls a contract; returns the transaction id. */
  trigger(contract: Address, data: Uint8Array, feeLimitSun = 1_000_000_000n): Promise<string> {
    return this.send({ kind: 'trigger', contract, data }, feeLimitSun);
  }

  /** Deploys a contract; constructor parameters come ABI-encoded. Returns its address. */
  async deploy(contract: Deployable, encodedParameters: Uint8Array): Promise<Address> {
    const tronWeb = new TronWeb({ fullHost: this.provider, privateKey: this.privateKeyHex });
    const transaction = await tronWeb.transactionBuilder.createSmartContract(
      {
        abi: JSON.stringify(contract.abi),
        bytecode: contract.bytecode,
        rawParameter: Buffer.from(encodedParameters).toString('hex'),
        name: contract.contractName,
        feeLimit: 5_000_000_000,
        callValue: 0,
        userFeePercentage: 100,
      },
      this.address,
    );
    const signed = await tronWeb.trx.sign(transaction);
    const answer = await tronWeb.trx.sendRawTransaction(signed);
    if (answer.result !== true) {
      throw new TronNodeError('refused', `${contract.contractName} was refused: ${answer.code}`);
    }
    await this.waitFor(signed.txID);
    const address = (signed as { contract_address?: string }).contract_address ?? '';
    return addressFromBytes(fromHex(address).subarray(1));
  }

  /** Builds, signs and sends a call and waits for its block. Throws `refused` when it failed there. */
  async send(call: ChainCall, feeLimitSun: bigint): Promise<string> {
    const txid = await this.submit(call, feeLimitSun);
    await this.waitFor(txid);
    return txid;
  }

  /** Sends without waiting. */
  async submit(call: ChainCall, feeLimitSun: bigint): Promise<string> {
    const reference = await this.chain.head();
    const now = BigInt(Date.now());
    // Two equal transfers within a millisecond would be one and the same transaction.
    this.lastTimestampMs = now > this.lastTimestampMs ? now : this.lastTimestampMs + 1n;
    const transaction = buildTransaction({
      owner: this.address,
      call,
      reference,
      expirationMs: reference.timestampMs + EXPIRATION_MS,
      timestampMs: this.lastTimestampMs,
      feeLimitSun,
    });
    const signature = await this.signer.sign(transaction.raw);
    const answer = await this.chain.broadcast(signedTransactionHex(transaction.raw, signature));
    if (!answer.accepted) {
      throw new TronNodeError('refused', `the node refused: ${answer.code} ${answer.message}`);
    }
    return transaction.txid;
  }

  /** Waits until a transaction is in a block. Throws when it failed there or does not come. */
  async waitFor(txid: string, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const inclusion = await this.chain.inclusion(txid);
      if (inclusion?.result === 'SUCCESS') return;
      if (inclusion !== undefined) {
        throw new TronNodeError('refused', `transaction ${txid} failed: ${inclusion.result}`);
      }
      await sleep(POLL_MS);
    }
    throw new TronNodeError('timeout', `transaction ${txid} is in no block after ${timeoutMs} ms`);
  }
}

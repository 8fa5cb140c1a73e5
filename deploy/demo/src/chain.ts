import { createHash } from 'node:crypto';
import { TronWeb, type Types } from 'tronweb';
import type { Network, Wallet } from '#libs/client';
import { type Address, type AssetName, baseUnits, type Units } from '#libs/domain';
import { until } from './patience.js';

/** Pays for any transaction of the demo; the local chain's energy costs 100 sun. */
const FEE_LIMIT_SUN = 200_000_000;
const INCLUDED_WITHIN_MS = 30_000;

/** Private key of the local chain's faucet: public by design, worth nothing elsewhere. */
const FAUCET_KEY = createHash('sha256').update('swarmledger devchain faucet').digest('hex');

/** The TRON chain as any user of tronweb sees it: sends, waits and reads, nothing of ours between. */
export class DemoChain {
  readonly #clients = new Map<string, TronWeb>();

  constructor(
    private readonly nodeUrl: string,
    private readonly network: Network,
  ) {}

  /** TRX from the faucet, for fees. Returns the transaction's id. */
  fundTrx(to: Address, sun: number): Promise<string> {
    const tronWeb = this.#client(FAUCET_KEY);
    return this.#send(tronWeb, tronWeb.transactionBuilder.sendTrx(to, sun, addressOf(tronWeb)));
  }

  /** Tokens from the faucet, in base units. Returns the transaction's id. */
  fundAsset(asset: AssetName, to: Address, amount: bigint): Promise<string> {
    return this.#transfer(this.#client(FAUCET_KEY), asset, to, amount);
  }

  /** Tokens from a wallet, in base units. Returns the transaction's id. */
  transfer(wallet: Wallet, asset: AssetName, to: Address, amount: bigint): Promise<string> {
    return this.#transfer(this.#client(wallet.exportKey()), asset, to, amount);
  }

  /** Waits until a transaction is in a block; throws when it failed. */
  async included(txid: string): Promise<void> {
    const tronWeb = this.#client(FAUCET_KEY);
    const info = await until(
      `transaction ${txid} in a block`,
      () => tronWeb.trx.getUnconfirmedTransactionInfo(txid),
      ({ id }) => id === txid,
      { timeoutMs: INCLUDED_WITHIN_MS, everyMs: 100 },
    );
    const result = info.receipt?.result;
    if (result !== undefined && result !== 'SUCCESS') {
      throw new Error(`transaction ${txid} failed: ${result}`);
    }
  }

  /** What an address holds of an asset on the solidified chain, in base units. */
  async solidBalance(asset: AssetName, address: Address): Promise<bigint> {
    const tronWeb = this.#client(FAUCET_KEY);
    if (asset === 'TRC10_BTTOLD') {
      const account = await tronWeb.trx.getAccount(address);
      const found = account.assetV2?.find(({ key }) => key === this.network.trc10Id);
      return BigInt(found?.value ?? 0);
    }
    const answer = await tronWeb.transactionBuilder.triggerConfirmedConstantContract(
      this.network.trc20Address,
      'balanceOf(address)',
      {},
      [{ type: 'address', value: address }],
      addressOf(tronWeb),
    );
    const word = answer.constant_result?.[0];
    if (word === undefined || word === '') throw new Error('balanceOf gave no answer');
    return BigInt(`0x${word}`);
  }

  /** The same in whole ledger units. */
  async solidUnits(asset: AssetName, address: Address): Promise<Units> {
    return (await this.solidBalance(asset, address)) / baseUnits(asset, 1n);
  }

  async #transfer(tronWeb: TronWeb, asset: AssetName, to: Address, amount: bigint) {
    const { transactionBuilder } = tronWeb;
    if (asset === 'TRC10_BTTOLD') {
      const { trc10Id } = this.network;
      const draft = transactionBuilder.sendToken(to, Number(amount), trc10Id, addressOf(tronWeb));
      return this.#send(tronWeb, draft);
    }
    const { transaction } = await transactionBuilder.triggerSmartContract(
      this.network.trc20Address,
      'transfer(address,uint256)',
      { feeLimit: FEE_LIMIT_SUN },
      [
        { type: 'address', value: to },
        { type: 'uint256', value: amount.toString() },
      ],
      addressOf(tronWeb),
    );
    return this.#send(tronWeb, Promise.resolve(transaction));
  }

  async #send(
    tronWeb: TronWeb,
    draft: Promise<Types.Transaction<Types.ContractParamter>>,
  ): Promise<string> {
    const signed = await tronWeb.trx.sign(await draft);
    const answer = await tronWeb.trx.sendRawTransaction(signed);
    if (answer.result !== true) {
      const text = Buffer.from(answer.message ?? '', 'hex').toString('utf8');
      throw new Error(`the node did not take a transaction: ${answer.code} ${text}`);
    }
    return signed.txID;
  }

  #client(privateKey: string): TronWeb {
    const known = this.#clients.get(privateKey);
    if (known !== undefined) return known;
    const client = new TronWeb({ fullHost: this.nodeUrl, privateKey });
    this.#clients.set(privateKey, client);
    return client;
  }
}

function addressOf(tronWeb: TronWeb): Address {
  const { base58 } = tronWeb.defaultAddress;
  if (base58 === false || base58 === undefined) throw new Error('this client has no key');
  return base58;
}

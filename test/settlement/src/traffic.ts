import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerClient, LedgerRefusal, SettlementClient, Wallet } from '#libs/client';
import { keyPairOf } from '#libs/crypto';
import { toHex } from '#libs/domain';
import {
  abiAddress,
  type ChainCall,
  ChainWallet,
  callData,
  claimData,
  claimSetOf,
  TronWebChain,
} from '#libs/tron';
import { faucetKey } from '../../../contracts/src/provision.js';
import { type AssetName, chainHex } from './check/chain-record.js';
import type { Asked } from './check/compare.js';
import { CLAIM_FEE_UNITS, type SettlementCluster } from './cluster.js';

const UNIT = 10n ** 15n;
const INSIST_MS = 30_000;
const PAYERS = 3;
const PAYER_SUN = 20_000_000_000n;
const FUNDS_UNITS = 1_000_000_000n;
const FIRST_DEPOSIT_UNITS = 200_000_000n;
const FEE_LIMIT_SUN = 100_000_000n;
/** What each round asks for: a batch of two and a transfer of its own. */
const WITHDRAWALS: readonly AssetName[] = ['TRC20_BTT', 'TRC20_BTT', 'TRC10_BTTOLD'];

/** A withdrawal that its owner has asked to fetch. */
export type Claimable = { readonly withdrawalId: Uint8Array; readonly owner: Wallet };
/** What a claimable withdrawal is fetched with, and until when. */
export type Claim = {
  readonly data: Uint8Array;
  readonly chainBatchId: Uint8Array;
  readonly claimableUntilMs: number;
};

type Payer = { readonly wallet: Wallet; readonly chain: ChainWallet };

/** People who pay in and take out, by the public API and the chain only; what they asked for is kept. */
export class Traffic {
  readonly asked: Asked[] = [];
  readonly faucet: ChainWallet;
  readonly #payers: Payer[] = [];
  readonly #settlement: SettlementClient;

  private constructor(
    private readonly cluster: SettlementCluster,
    private readonly ledger: LedgerClient,
    private readonly seed: number,
    private readonly random: () => number,
  ) {
    this.faucet = this.wallet(faucetKey());
    this.#settlement = new SettlementClient(cluster.settlementGrpc);
  }

  /** Connects, makes payers and pays their first deposits in. */
  static async start(
    cluster: SettlementCluster,
    seed: number,
    random: () => number,
  ): Promise<Traffic> {
    const ledger = await LedgerClient.connect(cluster.stack.urls.balanceGrpc ?? '');
    const traffic = new Traffic(cluster, ledger, seed, random);
    for (let no = 0; no < PAYERS; no++) await traffic.#addPayer(no);
    return traffic;
  }

  /** A wallet on the chain, by way of the node that tells the truth. */
  wallet(privateKeyHex: string): ChainWallet {
    return new ChainWallet({ url: this.cluster.truth.url, timeoutMs: 10_000 }, privateKeyHex);
  }

  /** 32 bytes that follow from the seed and some words. */
  derive(...words: readonly (string | number)[]): Buffer {
    return createHash('sha256')
      .update([this.seed, ...words].join('/'))
      .digest();
  }

  /** One deposit by each asset, sent and not waited for. */
  async deposits(): Promise<void> {
    const payer = this.#anyone();
    await payer.chain.submit(this.#transferIn('TRC20_BTT', this.#units()), FEE_LIMIT_SUN);
    await payer.chain.submit(this.#transferIn('TRC10_BTTOLD', this.#units()), 0n);
  }

  /** Withdrawals, those of a round unless told otherwise, to addresses that nothing was ever sent to. */
  async withdrawals(assets = WITHDRAWALS): Promise<void> {
    for (const asset of assets) await this.#ask(asset, false);
  }

  /** Two withdrawals that are to be claimed. */
  async claims(): Promise<readonly [Claimable, Claimable]> {
    return [await this.#ask('TRC20_BTT', true), await this.#ask('TRC20_BTT', true)];
  }

  /** What the owner of a claimable withdrawal is given, held against the vault; undefined while there is nothing to claim. */
  async claimOf({ withdrawalId, owner }: Claimable): Promise<Claim | undefined> {
    const chain = new TronWebChain({ url: this.cluster.truth.url, timeoutMs: 10_000 });
    const { vaultAddress } = this.cluster.network;
    const asked = this.#settlement.claim(owner, withdrawalId, (chainBatchId) =>
      claimSetOf(chain, vaultAddress, chainBatchId),
    );
    // No service to ask, nothing to claim, a set that is not solidified: ask again.
    const proof = await asked.catch(() => undefined);
    if (proof === undefined) return undefined;
    return {
      data: claimData(proof.leaf, proof.proof),
      chainBatchId: proof.leaf.subarray(1, 33),
      claimableUntilMs: Number(proof.claimableUntilMs),
    };
  }

  /** Calls the vault as anybody may; it is not waited for. */
  async callVault(data: Uint8Array): Promise<void> {
    const { vaultAddress: contract } = this.cluster.network;
    await this.faucet.submit({ kind: 'trigger', contract, data }, FEE_LIMIT_SUN);
  }

  close(): void {
    this.ledger.close();
    this.#settlement.close();
  }

  async #ask(asset: AssetName, toClaim: boolean): Promise<Claimable> {
    const no = this.asked.length;
    const withdrawalId = this.derive('withdrawal', no);
    const destination = keyPairOf(this.derive('payee', no)).address;
    const netUnits = this.#units();
    const feeUnits = toClaim ? CLAIM_FEE_UNITS : this.ledger.network.withdrawalFeeUnits;
    const amountUnits = netUnits + feeUnits;
    const { hasEpochs, truth } = this.cluster;
    const epochAfter = hasEpochs ? (await truth.status()).headNumber : undefined;
    // Noted before it is asked for: a request whose answer is lost may have been booked.
    this.asked.push({
      id: withdrawalId.toString('hex'),
      asset,
      destination: chainHex(destination),
      netUnits,
      amountUnits,
      epochAfter,
    });
    const owner = this.#anyone().wallet;
    const order = { asset, amountUnits, destination, withdrawalId, toClaim };
    await insistent(() => this.ledger.account(owner).withdraw(order));
    return { withdrawalId, owner };
  }

  #anyone(): Payer {
    const payer = this.#payers[Math.floor(this.random() * PAYERS)];
    if (payer === undefined) throw new Error('there is no payer');
    return payer;
  }

  #units(): bigint {
    return 2_000n + BigInt(Math.floor(this.random() * 8_000));
  }

  #transferIn(asset: AssetName, units: bigint): ChainCall {
    const { vaultAddress, trc20Address, trc10Id } = this.cluster.network;
    if (asset === 'TRC10_BTTOLD') {
      const to = this.wallet(this.cluster.secret('hotWalletKey')).address;
      return { kind: 'trc10', tokenId: trc10Id, to, amountBaseUnits: units };
    }
    const data = callData('transfer(address,uint256)', [abiAddress(vaultAddress), units * UNIT]);
    return { kind: 'trigger', contract: trc20Address, data };
  }

  async #addPayer(no: number): Promise<void> {
    const key = this.derive('payer', no);
    const wallet = new Wallet(key, this.ledger.network.domain);
    const chain = this.wallet(toHex(key));
    const { trc20Address, trc10Id } = this.cluster.network;
    await this.ledger.account(wallet).register();
    await this.faucet.sendTrx(chain.address, PAYER_SUN);
    await this.faucet.sendTrc20(trc20Address, chain.address, FUNDS_UNITS * UNIT);
    await this.faucet.sendTrc10(trc10Id, chain.address, FUNDS_UNITS);
    await chain.send(this.#transferIn('TRC20_BTT', FIRST_DEPOSIT_UNITS), FEE_LIMIT_SUN);
    await chain.send(this.#transferIn('TRC10_BTTOLD', FIRST_DEPOSIT_UNITS), 0n);
    this.#payers.push({ wallet, chain });
  }
}

/** Repeats a request whose answer is lost, which its id makes safe; a refusal is final. */
async function insistent<T>(request: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + INSIST_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof LedgerRefusal || Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

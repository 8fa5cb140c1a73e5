import { addressBytes, toHex } from '#libs/domain';
import type { RawInfo, RawTransaction, Truth } from '../truth.js';

/** An asset by its name in the ledger. */
export type AssetName = 'TRC20_BTT' | 'TRC10_BTTOLD';

/** Tokens that moved to or from an address of the ledger, on the solidified chain. Addresses are hex with 41. */
export type Movement = {
  readonly asset: AssetName;
  readonly txid: string;
  readonly from: string;
  readonly to: string;
  readonly baseUnits: bigint;
  /** Number of its block. */
  readonly block: number;
};

/** Where the ledger's funds lie. */
export type Place = {
  readonly vault: string;
  readonly hotWallet: string;
  readonly trc20: string;
  readonly trc10Id: string;
};

const EPOCH_COMMITTED = 'cbd9d6f805bfa8958d4ae783cd7202f4c5db960f28065c30c85cbe5f08645cca';
const TRANSFER = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** An address as the chain prints it: 41 and twenty bytes of hex. */
export const chainHex = (address: string): string => `41${toHex(addressBytes(address))}`;

/** All that the solidified chain shows of the ledger's funds, read block by block by code of its own. */
export class ChainRecord {
  readonly out: Movement[] = [];
  readonly in: Movement[] = [];
  /** Numbers of blocks in which the vault was told an epoch. */
  readonly epochs: number[] = [];
  #next = 1;

  constructor(
    private readonly truth: Truth,
    private readonly place: Place,
  ) {}

  /** Reads on to the newest solidified block. */
  async read(): Promise<void> {
    const { solidNumber } = await this.truth.status();
    while (this.#next <= solidNumber) {
      const blocks = await this.truth.solidBlocks(this.#next, solidNumber);
      if (blocks.length === 0) throw new Error(`the chain shows no block ${this.#next}`);
      for (const { block_header, transactions = [] } of blocks) {
        const number = block_header.raw_data.number ?? 0;
        const infos = transactions.length === 0 ? [] : await this.truth.infos(number);
        for (const transaction of transactions) this.#take(transaction, infos, number);
        this.#next = number + 1;
      }
    }
  }

  #take(transaction: RawTransaction, infos: readonly RawInfo[], block: number): void {
    if (transaction.ret?.[0]?.contractRet !== 'SUCCESS') return;
    const txid = transaction.txID;
    for (const { type, parameter } of transaction.raw_data.contract) {
      const { asset_name, owner_address, to_address, amount } = parameter.value;
      if (type !== 'TransferAssetContract') continue;
      if (Buffer.from(String(asset_name), 'hex').toString() !== this.place.trc10Id) continue;
      const [from, to] = [String(owner_address), String(to_address)];
      const baseUnits = BigInt(amount as number);
      const movement = { asset: 'TRC10_BTTOLD', txid, from, to, baseUnits, block } as const;
      this.#keep(movement, this.place.hotWallet);
    }
    for (const { address, topics = [], data = '' } of infos.find(({ id }) => id === txid)?.log ??
      []) {
      if (`41${address}` === this.place.vault && topics[0] === EPOCH_COMMITTED) {
        this.epochs.push(block);
      }
      if (`41${address}` !== this.place.trc20 || topics[0] !== TRANSFER) continue;
      const [from, to] = topics.slice(1).map((topic) => `41${topic.slice(24)}`);
      const baseUnits = BigInt(`0x${data}`);
      const movement = {
        asset: 'TRC20_BTT',
        txid,
        from: from ?? '',
        to: to ?? '',
        baseUnits,
        block,
      } as const;
      this.#keep(movement, this.place.vault);
    }
  }

  #keep(movement: Movement, holder: string): void {
    if (movement.from === holder) this.out.push(movement);
    if (movement.to === holder) this.in.push(movement);
  }
}

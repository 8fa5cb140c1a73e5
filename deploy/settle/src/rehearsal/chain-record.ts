import type { Address } from '#libs/domain';
import { readTrc20Transfer, type TronChain } from '#libs/tron';

/** What the solidified chain did from a block on. */
export type ChainRecord = {
  /** Every transfer of the token out of the vault. */
  readonly payments: readonly {
    readonly to: Address;
    readonly baseUnits: bigint;
    readonly txid: string;
  }[];
  /** Cost of every transaction, by its id. */
  readonly costs: ReadonlyMap<string, { readonly energy: bigint; readonly feeSun: bigint }>;
};

/** Reads all blocks from one to the newest solidified one. Throws when a block is not there. */
export async function readChain(
  chain: TronChain,
  place: { readonly vault: Address; readonly token: Address },
  fromBlock: bigint,
): Promise<ChainRecord> {
  const payments: { to: Address; baseUnits: bigint; txid: string }[] = [];
  const costs = new Map<string, { energy: bigint; feeSun: bigint }>();
  const { number: last } = await chain.solidHead();
  for (let number = fromBlock; number <= last; number++) {
    const block = await chain.solidBlock(number);
    if (block === undefined) throw new Error(`the chain does not show its block ${number}`);
    for (const { txid, energyUsed, feeSun, logs } of block.transactions) {
      costs.set(txid, { energy: energyUsed, feeSun });
      for (const log of logs) {
        const transfer = log.contract === place.token ? readTrc20Transfer(log) : undefined;
        if (transfer?.from !== place.vault) continue;
        payments.push({ to: transfer.to, baseUnits: transfer.amountBaseUnits, txid });
      }
    }
  }
  return { payments, costs };
}

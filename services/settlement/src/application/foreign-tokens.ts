import type { Address } from '#libs/domain';
import { type ChainTransaction, readTrc20Transfer } from '#libs/tron';
import type { ForeignToken } from '../domain/foreign-token.js';

/** Which tokens are ours, and to which addresses others may be sent. */
export type ForeignPlace = {
  readonly trc20: Address;
  readonly trc10Id: string;
  readonly recipients: readonly Address[];
};

type Transfer = Pick<ForeignToken, 'token' | 'recipient' | 'lastSender' | 'lastBaseUnits'>;

/**
 * Gathers foreign tokens, one entry for each token and recipient however often it is sent: anybody may
 * make a token and claim millions of transfers of it.
 */
export class ForeignTokens {
  readonly #byKey = new Map<string, ForeignToken>();

  constructor(private readonly place: ForeignPlace) {}

  /** Notes the foreign transfers of a transaction that succeeded. */
  read(transaction: ChainTransaction, blockNumber: bigint): void {
    for (const transfer of this.#transfers(transaction)) {
      if (transfer.lastBaseUnits === 0n) continue;
      const key = `${transfer.token} ${transfer.recipient}`;
      const transfers = (this.#byKey.get(key)?.transfers ?? 0) + 1;
      const { txid: lastTxid } = transaction;
      this.#byKey.set(key, { ...transfer, transfers, lastTxid, lastBlock: blockNumber });
    }
  }

  /** In the order of token and recipient. */
  list(): ForeignToken[] {
    return [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, token]) => token);
  }

  *#transfers({ trc10, logs }: ChainTransaction): Generator<Transfer> {
    const { trc20, trc10Id, recipients } = this.place;
    // On today's chain ids are numbers; anything else is not worth a row.
    if (trc10 !== undefined && trc10.tokenId !== trc10Id && /^\d{1,20}$/.test(trc10.tokenId)) {
      const { tokenId: token, to: recipient, from: lastSender, amountBaseUnits } = trc10;
      if (recipients.includes(recipient)) {
        yield { token, recipient, lastSender, lastBaseUnits: amountBaseUnits };
      }
    }
    for (const log of logs) {
      if (log.contract === trc20) continue;
      const transfer = readTrc20Transfer(log);
      if (transfer === undefined || !recipients.includes(transfer.to)) continue;
      const { to: recipient, from: lastSender, amountBaseUnits: lastBaseUnits } = transfer;
      yield { token: log.contract, recipient, lastSender, lastBaseUnits };
    }
  }
}

/** The chain as the rig sees and steers it: by a node of its own that never lies. */
export type ChainStatus = {
  readonly headNumber: number;
  readonly headTimestampMs: number;
  readonly solidNumber: number;
};

/** A transaction as a block lists it, as far as the checker needs it. */
export type RawTransaction = {
  readonly txID: string;
  readonly ret?: readonly { readonly contractRet?: string }[];
  readonly raw_data: {
    readonly expiration?: number;
    readonly contract: readonly {
      readonly type: string;
      readonly parameter: { readonly value: Readonly<Record<string, unknown>> };
    }[];
  };
};
export type RawBlock = {
  readonly block_header: {
    readonly raw_data: { readonly number?: number; readonly timestamp: number };
  };
  readonly transactions?: readonly RawTransaction[];
};
export type RawInfo = {
  readonly id: string;
  readonly log?: readonly {
    readonly address: string;
    readonly topics?: readonly string[];
    readonly data?: string;
  }[];
};

const BLOCKS_AT_ONCE = 100;

/** Controls of the local chain (`/dev/*`) and readings that nothing of the system has a part in. */
export class Truth {
  constructor(
    /** A node that no fault is ever armed on. */
    readonly url: string,
    /** The node that settlement asks, which lies. */
    readonly liarUrl: string,
  ) {}

  status(): Promise<ChainStatus> {
    return ask<ChainStatus>(this.url, '/dev/time', {});
  }

  /** Arms a fault of the chain or of the lying node. */
  async arm(fault: Readonly<Record<string, unknown>>): Promise<void> {
    await ask(this.liarUrl, '/dev/faults', fault);
  }

  async disarm(): Promise<void> {
    await ask(this.liarUrl, '/dev/faults', { kind: 'none' });
  }

  /** How often a kind of fault has still to act. */
  async armed(kind: string): Promise<number> {
    const { faults } = await ask<{ faults: { kind: string; count: number }[] }>(
      this.liarUrl,
      '/dev/faults',
      {},
    );
    return faults.filter((each) => each.kind === kind).reduce((sum, { count }) => sum + count, 0);
  }

  /** Seals blocks at once, so that the chain's time passes faster than ours. */
  async mine(blocks: number): Promise<void> {
    await ask(this.url, '/dev/mine', { blocks });
  }

  /** Seals one block of this time, so that more time passes than blocks have. */
  async mineAt(timestampMs: number): Promise<void> {
    await ask(this.url, '/dev/mine', { blocks: 1, timestampMs });
  }

  async setProducing(enabled: boolean): Promise<void> {
    await ask(this.url, '/dev/producer', { enabled });
  }

  /** Undoes blocks; returns the ids of their transactions. */
  async fork(blocks: number, transactions: 'return' | 'drop'): Promise<readonly string[]> {
    const { undone } = await ask<{ undone: string[] }>(this.url, '/dev/fork', {
      blocks,
      transactions,
    });
    return undone;
  }

  async fund(address: string, trxSun: bigint): Promise<void> {
    await ask(this.url, '/dev/fund', { address, trxSun: trxSun.toString() });
  }

  async changePermissions(privateKey: string, keys: readonly string[]): Promise<void> {
    await ask(this.url, '/dev/permissions', { privateKey, keys });
  }

  /** Solidified blocks from a number on that hold transactions, at most a hundred numbers further. */
  solidBlocks(from: number, to: number): Promise<readonly RawBlock[]> {
    return this.blocks('walletsolidity', from, Math.min(to, from + BLOCKS_AT_ONCE - 1));
  }

  /** Blocks up to the head, which may still be undone. */
  openBlocks(from: number, to: number): Promise<readonly RawBlock[]> {
    return this.blocks('wallet', from, to);
  }

  infos(number: number): Promise<readonly RawInfo[]> {
    return ask(this.url, '/walletsolidity/gettransactioninfobyblocknum', { num: number });
  }

  /** TRC-10 and sun that an address holds, solidified; hex address with 41. */
  async holdings(hexAddress: string, trc10Id: string): Promise<{ sun: bigint; trc10: bigint }> {
    const found = await ask<{ balance?: number; assetV2?: { key: string; value: number }[] }>(
      this.url,
      '/walletsolidity/getaccount',
      { address: hexAddress },
    );
    const trc10 = found.assetV2?.find(({ key }) => key === trc10Id)?.value ?? 0;
    return { sun: BigInt(found.balance ?? 0), trc10: BigInt(trc10) };
  }

  /** Base units of a TRC-20 that an address holds, solidified. */
  trc20(tokenHex: string, holderHex: string): Promise<bigint> {
    return this.word(tokenHex, `70a08231${holderHex.slice(2).padStart(64, '0')}`);
  }

  /** Base units that a vault holds and has promised to nobody who claims, solidified. */
  freeOf(vaultHex: string): Promise<bigint> {
    return this.word(vaultHex, '859e1900');
  }

  private async word(contractHex: string, data: string): Promise<bigint> {
    const { constant_result: words } = await ask<{ constant_result?: string[] }>(
      this.url,
      '/walletsolidity/triggerconstantcontract',
      { owner_address: contractHex, contract_address: contractHex, data },
    );
    if (words?.[0] === undefined) throw new Error('the contract tells no number');
    return BigInt(`0x${words[0]}`);
  }

  private async blocks(api: string, from: number, to: number): Promise<readonly RawBlock[]> {
    if (to < from) return [];
    const { block = [] } = await ask<{ block?: RawBlock[] }>(
      this.url,
      `/${api}/getblockbylimitnext`,
      { startNum: from, endNum: to + 1 },
    );
    return block;
  }
}

async function ask<T>(url: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = (await response.json()) as T & { Error?: string };
  if (answer.Error !== undefined) throw new Error(`${path}: ${answer.Error}`);
  return answer;
}

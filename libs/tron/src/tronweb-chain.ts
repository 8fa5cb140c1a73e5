import { z } from 'zod';
import { type Address, addressBytes, fromHex, toHex } from '#libs/domain';
import { blockSchema, chainAddress, headerSchema, infoSchema, readBlock } from './block.js';
import type {
  BlockRef,
  BroadcastAnswer,
  ChainAccount,
  Inclusion,
  Permission,
  SolidBlock,
  TronChain,
} from './chain.js';
import { TronNodeError } from './errors.js';
import { hexText, int64, int64OrZero } from './node-json.js';
import { type NodeOptions, NodeProvider } from './node-provider.js';

// Nodes answer `{}` for what they do not know.
const nothing = z.strictObject({}).transform(() => undefined);
const orNothing = <S extends z.ZodType>(schema: S) => z.union([nothing, schema]);

const permissionSchema = z.object({
  threshold: int64OrZero,
  keys: z.array(z.object({ address: hexText, weight: int64OrZero })),
});
const accountSchema = z.object({
  address: hexText,
  type: z.union([z.string(), z.number()]).optional(),
  balance: int64OrZero,
  assetV2: z.array(z.object({ key: z.string(), value: int64 })).optional(),
  owner_permission: permissionSchema.optional(),
  active_permission: z.array(permissionSchema).optional(),
});
const viewSchema = z.object({
  result: z.object({ result: z.boolean().optional(), message: z.string().optional() }),
  constant_result: z.array(hexText).optional(),
});
const parametersSchema = z.object({
  chainParameter: z.array(z.object({ key: z.string(), value: int64.optional() })),
});
const broadcastSchema = z.object({
  result: z.boolean().optional(),
  code: z.union([z.string(), z.number()]).optional(),
  message: z.string().optional(),
});

/** {@link TronChain} over the HTTP API of one java-tron node (or one that speaks like it). */
export class TronWebChain implements TronChain {
  private readonly node: NodeProvider;

  constructor(options: NodeOptions) {
    this.node = new NodeProvider(options);
  }

  async chainId(): Promise<bigint> {
    const genesis = await this.node.ask('wallet/getblockbynum', { num: 0 }, headerSchema);
    return BigInt(`0x${genesis.blockID.slice(-8)}`);
  }

  async head(): Promise<BlockRef> {
    return blockRef(await this.node.ask('wallet/getblock', { detail: false }, headerSchema));
  }

  async solidHead(): Promise<BlockRef> {
    const answer = await this.node.ask('walletsolidity/getblock', { detail: false }, headerSchema);
    return blockRef(answer);
  }

  async solidBlock(number: bigint): Promise<SolidBlock | undefined> {
    const num = Number(number);
    const block = await this.node.ask(
      'walletsolidity/getblockbynum',
      { num },
      orNothing(blockSchema),
    );
    if (block === undefined) return undefined;
    const infos =
      block.transactions === undefined
        ? []
        : await this.node.ask(
            'walletsolidity/gettransactioninfobyblocknum',
            { num },
            z.array(infoSchema),
          );
    return readBlock(number, block, infos);
  }

  async inclusion(txid: string): Promise<Inclusion | undefined> {
    const info = await this.info('wallet', txid);
    if (info === undefined) return undefined;
    const failed = info.result === 'FAILED' ? 'FAILED' : 'SUCCESS';
    return { blockNumber: info.blockNumber, result: info.receipt?.result ?? failed };
  }

  async isSolidified(txid: string): Promise<boolean> {
    return (await this.info('walletsolidity', txid)) !== undefined;
  }

  async account(address: Address): Promise<ChainAccount | undefined> {
    const payload = { address: `41${toHex(addressBytes(address))}` };
    const found = await this.node.ask(
      'walletsolidity/getaccount',
      payload,
      orNothing(accountSchema),
    );
    if (found === undefined) return undefined;
    if (chainAddress(found.address) !== address) {
      throw new TronNodeError('contradiction', `asked for ${address}, got another account`);
    }
    return {
      trxSun: found.balance,
      trc10: new Map(found.assetV2?.map(({ key, value }) => [key, value])),
      isContract: found.type === 'Contract' || found.type === 2,
      owner: found.owner_permission && permission(found.owner_permission),
      actives: (found.active_permission ?? []).map(permission),
    };
  }

  async view(contract: Address, data: Uint8Array): Promise<Uint8Array> {
    const hex = `41${toHex(addressBytes(contract))}`;
    const answer = await this.node.ask(
      'walletsolidity/triggerconstantcontract',
      { owner_address: hex, contract_address: hex, data: toHex(data) },
      viewSchema,
    );
    const [word] = answer.constant_result ?? [];
    if (
      answer.result.result !== true ||
      answer.result.message !== undefined ||
      word === undefined
    ) {
      const told = Buffer.from(answer.result.message ?? '', 'hex').toString('utf8');
      throw new TronNodeError('refused', `the view of ${contract} failed: ${told}`);
    }
    return fromHex(word);
  }

  async energyPriceSun(): Promise<bigint> {
    const answer = await this.node.ask('wallet/getchainparameters', {}, parametersSchema);
    const price = answer.chainParameter.find(({ key }) => key === 'getEnergyFee')?.value;
    if (price === undefined || price <= 0n) {
      throw new TronNodeError('malformed', 'the node does not tell the price of energy');
    }
    return price;
  }

  async broadcast(signedHex: string): Promise<BroadcastAnswer> {
    const payload = { transaction: signedHex };
    const answer = await this.node.ask('wallet/broadcasthex', payload, broadcastSchema);
    const code = String(answer.code ?? '');
    // A node that has it already says so as an error; for us that is the same as accepting it.
    if (answer.result === true || code === 'DUP_TRANSACTION_ERROR') return { accepted: true };
    return { accepted: false, code, message: readable(answer.message ?? '') };
  }

  private async info(api: 'wallet' | 'walletsolidity', txid: string) {
    const path = `${api}/gettransactioninfobyid`;
    const info = await this.node.ask(path, { value: txid }, orNothing(infoSchema));
    if (info === undefined) return undefined;
    if (info.id !== txid) {
      throw new TronNodeError('contradiction', `asked for ${txid}, got ${info.id}`);
    }
    return info;
  }
}

function blockRef(block: z.infer<typeof headerSchema>): BlockRef {
  const { number, timestamp } = block.block_header.raw_data;
  if (BigInt(`0x${block.blockID.slice(0, 16)}`) !== number) {
    throw new TronNodeError('contradiction', `block ${number} does not have the id it claims`);
  }
  return { number, id: block.blockID, timestampMs: timestamp };
}

function permission(raw: z.infer<typeof permissionSchema>): Permission {
  return {
    threshold: raw.threshold,
    keys: raw.keys.map(({ address, weight }) => ({ address: chainAddress(address), weight })),
  };
}

// Nodes print messages as hex or as plain text, depending on the method.
function readable(text: string): string {
  const isHex = text.length > 0 && /^([0-9a-fA-F]{2})+$/.test(text);
  return (isHex ? Buffer.from(text, 'hex').toString('utf8') : text).slice(0, 300);
}

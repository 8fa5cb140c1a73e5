import { z } from 'zod';
import { type Address, addressBytes, fromHex, toHex } from '#libs/domain';
import { blockSchema, chainAddress, headerSchema, infoSchema, readBlock } from './block.js';
import type {
  AccountPermissions,
  BlockRef,
  BroadcastAnswer,
  ChainAccount,
  ChainPrices,
  ChainResources,
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
// The names that java-tron prints, capitals included.
const resourcesSchema = z.object({
  freeNetUsed: int64OrZero,
  freeNetLimit: int64OrZero,
  NetUsed: int64OrZero,
  NetLimit: int64OrZero,
  EnergyUsed: int64OrZero,
  EnergyLimit: int64OrZero,
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

  async solidRef(number: bigint): Promise<BlockRef | undefined> {
    const payload = { id_or_num: number.toString(), detail: false };
    const header = await this.node.ask('walletsolidity/getblock', payload, orNothing(headerSchema));
    if (header === undefined) return undefined;
    const reference = blockRef(header);
    if (reference.number === number) return reference;
    throw new TronNodeError('contradiction', `asked for block ${number}, got ${reference.number}`);
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
    const found = await this.rawAccount('walletsolidity', address);
    if (found === undefined) return undefined;
    return {
      trxSun: found.balance,
      trc10: new Map(found.assetV2?.map(({ key, value }) => [key, value])),
      isContract: found.type === 'Contract' || found.type === 2,
      ...permissionsOf(found),
    };
  }

  async headPermissions(address: Address): Promise<AccountPermissions | undefined> {
    const found = await this.rawAccount('wallet', address);
    return found && permissionsOf(found);
  }

  async resources(address: Address): Promise<ChainResources> {
    const payload = { address: hexAddress(address) };
    const found = await this.node.ask('wallet/getaccountresource', payload, resourcesSchema);
    return {
      energyLeft: left(found.EnergyLimit, found.EnergyUsed),
      bandwidthLeft: left(found.NetLimit, found.NetUsed),
      freeBandwidthLeft: left(found.freeNetLimit, found.freeNetUsed),
    };
  }

  async view(contract: Address, data: Uint8Array): Promise<Uint8Array> {
    const hex = hexAddress(contract);
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
    return (await this.prices()).energySun;
  }

  async prices(): Promise<ChainPrices> {
    const answer = await this.node.ask('wallet/getchainparameters', {}, parametersSchema);
    const parameters = new Map(answer.chainParameter.map(({ key, value }) => [key, value ?? 0n]));
    const price = (name: string, min: bigint) => {
      const value = parameters.get(name) ?? -1n;
      if (value >= min) return value;
      throw new TronNodeError('malformed', `the node does not tell the chain's parameter ${name}`);
    };
    return {
      energySun: price('getEnergyFee', 1n),
      bandwidthSun: price('getTransactionFee', 0n),
      activationSun: price('getCreateNewAccountFeeInSystemContract', 0n),
      activationBandwidthSun: price('getCreateAccountFee', 0n),
      // A chain that never voted on it charges none.
      memoSun: parameters.get('getMemoFee') ?? 0n,
    };
  }

  async broadcast(signedHex: string): Promise<BroadcastAnswer> {
    const payload = { transaction: signedHex };
    const answer = await this.node.ask('wallet/broadcasthex', payload, broadcastSchema);
    const code = String(answer.code ?? '');
    // A node that has it already says so as an error; for us that is the same as accepting it.
    if (answer.result === true || code === 'DUP_TRANSACTION_ERROR') return { accepted: true };
    return { accepted: false, code, message: readable(answer.message ?? '') };
  }

  private async rawAccount(api: 'wallet' | 'walletsolidity', address: Address) {
    const payload = { address: hexAddress(address) };
    const found = await this.node.ask(`${api}/getaccount`, payload, orNothing(accountSchema));
    if (found !== undefined && chainAddress(found.address) !== address) {
      throw new TronNodeError('contradiction', `asked for ${address}, got another account`);
    }
    return found;
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

const hexAddress = (address: Address) => `41${toHex(addressBytes(address))}`;

const left = (limit: bigint, used: bigint) => (used < limit ? limit - used : 0n);

function permissionsOf(account: z.infer<typeof accountSchema>): AccountPermissions {
  return {
    owner: account.owner_permission && permission(account.owner_permission),
    actives: (account.active_permission ?? []).map(permission),
  };
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

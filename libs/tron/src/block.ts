import { z } from 'zod';
import { type Address, addressFromBytes, fromHex } from '#libs/domain';
import { isProven } from './block-proof.js';
import type { ChainLog, ChainTransaction, SolidBlock, Trc10Transfer } from './chain.js';
import { TronNodeError } from './errors.js';
import { hash32, hexText, int64, int64OrZero } from './node-json.js';
import { RAW_TYPES, readRaw } from './raw-transaction.js';
import { txidOf } from './transaction.js';

/** The header part that every block answer has. */
export const headerSchema = z.object({
  blockID: hash32,
  block_header: z.object({
    raw_data: z.looseObject({ number: int64OrZero, timestamp: int64OrZero, parentHash: hexText }),
  }),
});

const contractSchema = z.object({
  type: z.string(),
  parameter: z.object({
    // Shielded transfers have no owner.
    value: z.looseObject({ owner_address: hexText.optional() }),
  }),
});

const transactionSchema = z.looseObject({
  txID: hash32,
  raw_data_hex: hexText,
  ret: z.array(z.object({ contractRet: z.string().optional() })).optional(),
  raw_data: z.object({ contract: z.array(contractSchema).length(1) }),
});

/** A block with its transactions. */
export const blockSchema = headerSchema.extend({
  transactions: z.array(transactionSchema).optional(),
});

const logSchema = z.object({
  address: hexText,
  topics: z.array(hash32).optional(),
  data: hexText.optional(),
});

/** A transaction's receipt. */
export const infoSchema = z.object({
  id: hash32,
  fee: int64OrZero,
  blockNumber: int64,
  result: z.string().optional(),
  receipt: z.object({ result: z.string().optional(), energy_usage_total: int64OrZero }).optional(),
  log: z.array(logSchema).optional(),
});

const trc10Schema = z.object({
  asset_name: hexText,
  owner_address: hexText,
  to_address: hexText,
  amount: int64,
});

type Info = z.infer<typeof infoSchema>;
type RawTransaction = z.infer<typeof transactionSchema>;
type Contract = z.infer<typeof contractSchema>;

/**
 * Joins a block and its receipts. Throws a `contradiction` when the block is not the one asked for
 * or a receipt is missing: a deposit overlooked because of a lazy node would be a deposit lost.
 */
export function readBlock(
  number: bigint,
  block: z.infer<typeof blockSchema>,
  infos: readonly Info[],
): SolidBlock {
  const header = block.block_header.raw_data;
  if (header.number !== number || BigInt(`0x${block.blockID.slice(0, 16)}`) !== number) {
    throw new TronNodeError('contradiction', `asked for block ${number}, got ${header.number}`);
  }
  const byId = new Map(infos.map((info) => [info.id, info]));
  const transactions = block.transactions ?? [];
  if (byId.size !== transactions.length) {
    throw new TronNodeError(
      'contradiction',
      `block ${number} has ${transactions.length} transactions and ${byId.size} receipts`,
    );
  }
  return {
    number,
    id: block.blockID,
    isProven: isProven(block),
    parentId: header.parentHash,
    timestampMs: header.timestamp,
    transactions: transactions.map((transaction) => {
      const info = byId.get(transaction.txID);
      if (info === undefined || info.blockNumber !== number) {
        throw new TronNodeError('contradiction', `no receipt of transaction ${transaction.txID}`);
      }
      return readTransaction(transaction, info);
    }),
  };
}

function readTransaction(transaction: RawTransaction, info: Info): ChainTransaction {
  const [contract] = transaction.raw_data.contract;
  if (contract === undefined) {
    throw new TronNodeError('malformed', `transaction ${transaction.txID} has no contract`);
  }
  assertSigned(transaction, contract);
  const owner = contract.parameter.value.owner_address;
  const runsCode =
    contract.type === 'TriggerSmartContract' || contract.type === 'CreateSmartContract';
  const returned = transaction.ret?.[0]?.contractRet ?? 'SUCCESS';
  const received = info.receipt?.result ?? (runsCode ? 'UNKNOWN' : 'SUCCESS');
  const succeeded = returned === 'SUCCESS' && received === 'SUCCESS' && info.result !== 'FAILED';
  const failedWord = [received, returned].find((word) => word !== 'SUCCESS') ?? 'FAILED';
  const trc10 =
    contract.type === 'TransferAssetContract'
      ? readTrc10(transaction.txID, contract.parameter.value)
      : undefined;
  return {
    txid: transaction.txID,
    owner: owner === undefined ? undefined : chainAddress(owner),
    succeeded,
    result: succeeded ? 'SUCCESS' : failedWord,
    energyUsed: info.receipt?.energy_usage_total ?? 0n,
    feeSun: info.fee,
    ...(trc10 === undefined ? {} : { trc10 }),
    // Logs of a transaction that failed were undone with it, whatever a node prints.
    logs: succeeded ? (info.log ?? []).map(readLog) : [],
  };
}

/** Throws a `contradiction` when a node prints something else than was signed. */
function assertSigned({ txID, raw_data_hex }: RawTransaction, printed: Contract): void {
  const raw = fromHex(raw_data_hex);
  const facts = txidOf(raw) === txID ? factsOf(raw) : undefined;
  if (facts === undefined) {
    throw new TronNodeError('contradiction', `the bytes of transaction ${txID} are not its own`);
  }
  const { type, ...values } = facts;
  const { value } = printed.parameter;
  const told = Object.entries(values).every(([name, signed]) => {
    return String(value[name] ?? '').toLowerCase() === String(signed);
  });
  if (told && (type === printed.type || (type === '' && !RAW_TYPES.has(printed.type)))) return;
  throw new TronNodeError('contradiction', `transaction ${txID} says something else than printed`);
}

/** What was signed; an empty type for one that nothing here depends on, undefined for bytes that are no transaction. */
function factsOf(raw: Uint8Array) {
  try {
    return readRaw(raw) ?? { type: '' };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readTrc10(txid: string, value: unknown): Trc10Transfer {
  const parsed = trc10Schema.safeParse(value);
  if (!parsed.success) {
    throw new TronNodeError('malformed', `the TRC-10 transfer ${txid} has an unknown form`);
  }
  const { asset_name, owner_address, to_address, amount } = parsed.data;
  return {
    tokenId: Buffer.from(asset_name, 'hex').toString('utf8'),
    from: chainAddress(owner_address),
    to: chainAddress(to_address),
    amountBaseUnits: amount,
  };
}

function readLog(log: z.infer<typeof logSchema>): ChainLog {
  return {
    contract: chainAddress(log.address),
    topics: log.topics ?? [],
    data: log.data ?? '',
  };
}

/** The address in 20 or 21 bytes of hex. Throws `malformed` for anything else. */
export function chainAddress(hex: string): Address {
  const bytes = fromHex(hex);
  if (bytes.length === 20) return addressFromBytes(bytes);
  if (bytes.length === 21 && bytes[0] === 0x41) return addressFromBytes(bytes.subarray(1));
  throw new TronNodeError('malformed', `"${hex.slice(0, 64)}" is not an address`);
}

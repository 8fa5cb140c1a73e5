import type { Block, Executed } from '../chain/ledger.js';
import { addressFromKey, toBase58 } from '../codec/address.js';
import { headerToJson } from '../codec/block.js';
import { keccak256 } from '../codec/hash.js';
import type { JsonObject } from '../codec/json.js';
import { deployedAddress, transactionToJson } from '../codec/transaction.js';
import type { InternalCall } from '../execution/outcome.js';
import { WITNESS_PRIVATE_KEY } from '../genesis.js';

/** An address as the client asked for it. */
export function printAddress(address: Uint8Array, visible: boolean): string {
  return visible ? toBase58(address) : Buffer.from(address).toString('hex');
}

/** A text field: hex, or plain when visible. */
export function printText(text: string, visible: boolean): string {
  return visible ? text : Buffer.from(text, 'utf8').toString('hex');
}

/** Leaves out zero, as protobuf 3 JSON does. */
export function nonZero(fields: Record<string, bigint | number>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== 0 && value !== 0n)
      .map(([name, value]) => [name, BigInt(value)]),
  );
}

/** A transaction in a block. */
export function printExecuted({ transaction, outcome }: Executed, visible: boolean): JsonObject {
  return {
    ret: [{ contractRet: outcome.result }],
    ...transactionToJson(transaction, visible),
  };
}

/** A block; `detail: false` leaves the transactions out. */
export function printBlock(block: Block, visible: boolean, detail = true): JsonObject {
  const json: JsonObject = {
    blockID: block.id.toString('hex'),
    block_header: headerToJson(block.header, WITNESS_PRIVATE_KEY, visible),
  };
  if (detail && block.transactions.length > 0) {
    json.transactions = block.transactions.map((executed) => printExecuted(executed, visible));
  }
  return json;
}

/** The receipt of a transaction (`gettransactioninfobyid`). */
export function printInfo(
  { transaction, outcome }: Executed,
  block: Block,
  visible: boolean,
): JsonObject {
  const { vm } = outcome;
  const failed = vm !== undefined && outcome.result !== 'SUCCESS';
  const json: JsonObject = {
    id: transaction.txId,
    ...nonZero({ fee: outcome.feeSun }),
    blockNumber: BigInt(block.header.number),
    blockTimeStamp: BigInt(block.header.timestampMs),
    contractResult: [vm?.returnHex ?? ''],
    receipt: {
      ...nonZero({
        energy_usage: vm?.energyUsage ?? 0,
        energy_fee: vm?.energyFeeSun ?? 0n,
        origin_energy_usage: vm?.originEnergyUsage ?? 0,
        energy_usage_total: vm?.energyTotal ?? 0,
        net_usage: outcome.netUsage,
        net_fee: outcome.netFeeSun,
      }),
      ...(vm === undefined ? {} : { result: outcome.result }),
    },
  };
  if (outcome.assetIssueId !== undefined) json.assetIssueID = outcome.assetIssueId;
  if (vm === undefined) return json;
  const contract =
    transaction.type === 'CreateSmartContract'
      ? deployedAddress(transaction)
      : addressFromKey(vm.contract);
  json.contract_address = printAddress(contract, visible);
  if (failed) {
    json.result = 'FAILED';
    json.resMessage = printText(vm.message, visible);
  }
  if (vm.logs.length > 0) {
    json.log = vm.logs.map(({ address, topics, data }) => ({
      address,
      ...(topics.length > 0 ? { topics: [...topics] } : {}),
      ...(data === '' ? {} : { data }),
    }));
  }
  if (vm.internals.length > 0) {
    json.internal_transactions = vm.internals.map((call, at) =>
      printInternal(call, transaction.txId, at, visible),
    );
  }
  return json;
}

function printInternal(
  { from, to, valueSun, note, rejected }: InternalCall,
  txId: string,
  at: number,
  visible: boolean,
): JsonObject {
  return {
    hash: keccak256(Buffer.from(`${txId}${at.toString(16).padStart(8, '0')}`, 'hex')).toString(
      'hex',
    ),
    caller_address: printAddress(addressFromKey(from), visible),
    transferTo_address: printAddress(addressFromKey(to), visible),
    callValueInfo: [nonZero({ callValue: valueSun })],
    note: printText(note, visible),
    ...(rejected ? { rejected } : {}),
  };
}

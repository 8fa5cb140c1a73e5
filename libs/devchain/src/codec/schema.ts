import type { Field, Kind, Schema } from './protobuf.js';

/** Field tables of the TRON protocol messages this chain understands (numbers as in tronprotocol/protocol). */

const field = (no: number, name: string, kind: Kind): Field => ({ no, name, kind });
const list = (no: number, name: string, kind: Kind): Field => ({ no, name, kind, repeated: true });
const owner = field(1, 'owner_address', 'address');
const resource = { enumOf: { BANDWIDTH: 0, ENERGY: 1, TRON_POWER: 2 } } as const;

const keySchema: Schema = [field(1, 'address', 'address'), field(2, 'weight', 'int64')];
export const permissionSchema: Schema = [
  field(1, 'type', { enumOf: { Owner: 0, Witness: 1, Active: 2 } }),
  field(2, 'id', 'int32'),
  field(3, 'permission_name', 'string'),
  field(4, 'threshold', 'int64'),
  field(5, 'parent_id', 'int32'),
  field(6, 'operations', 'bytes'),
  list(7, 'keys', { messageOf: keySchema }),
];

const abiParamSchema: Schema = [
  field(1, 'indexed', 'bool'),
  field(2, 'name', 'string'),
  field(3, 'type', 'string'),
];
const entryType = {
  enumOf: {
    UnknownEntryType: 0,
    Constructor: 1,
    Function: 2,
    Event: 3,
    Fallback: 4,
    Receive: 5,
    Error: 6,
  },
} as const;
const mutability = {
  enumOf: { UnknownMutabilityType: 0, Pure: 1, View: 2, Nonpayable: 3, Payable: 4 },
} as const;
const abiEntrySchema: Schema = [
  field(1, 'anonymous', 'bool'),
  field(2, 'constant', 'bool'),
  field(3, 'name', 'string'),
  list(4, 'inputs', { messageOf: abiParamSchema }),
  list(5, 'outputs', { messageOf: abiParamSchema }),
  field(6, 'type', entryType),
  field(7, 'payable', 'bool'),
  field(8, 'stateMutability', mutability),
];
export const abiSchema: Schema = [list(1, 'entrys', { messageOf: abiEntrySchema })];
export const smartContractSchema: Schema = [
  field(1, 'origin_address', 'address'),
  field(2, 'contract_address', 'address'),
  field(3, 'abi', { messageOf: abiSchema }),
  field(4, 'bytecode', 'bytes'),
  field(5, 'call_value', 'int64'),
  field(6, 'consume_user_resource_percent', 'int64'),
  field(7, 'name', 'string'),
  field(8, 'origin_energy_limit', 'int64'),
  field(9, 'code_hash', 'bytes'),
  field(10, 'trx_hash', 'bytes'),
  field(11, 'version', 'int32'),
];

export const assetSchema: Schema = [
  owner,
  field(2, 'name', 'text'),
  field(3, 'abbr', 'text'),
  field(4, 'total_supply', 'int64'),
  list(5, 'frozen_supply', {
    messageOf: [field(1, 'frozen_amount', 'int64'), field(2, 'frozen_days', 'int64')],
  }),
  field(6, 'trx_num', 'int32'),
  field(7, 'precision', 'int32'),
  field(8, 'num', 'int32'),
  field(9, 'start_time', 'int64'),
  field(10, 'end_time', 'int64'),
  field(11, 'order', 'int64'),
  field(16, 'vote_score', 'int32'),
  field(20, 'description', 'text'),
  field(21, 'url', 'text'),
  field(22, 'free_asset_net_limit', 'int64'),
  field(23, 'public_free_asset_net_limit', 'int64'),
  field(24, 'public_free_asset_net_usage', 'int64'),
  field(25, 'public_latest_free_net_time', 'int64'),
  field(41, 'id', 'string'),
];

export const contractSchemas = {
  AccountCreateContract: [
    owner,
    field(2, 'account_address', 'address'),
    field(3, 'type', { enumOf: { Normal: 0, AssetIssue: 1, Contract: 2 } }),
  ],
  TransferContract: [owner, field(2, 'to_address', 'address'), field(3, 'amount', 'int64')],
  TransferAssetContract: [
    field(1, 'asset_name', 'text'),
    field(2, 'owner_address', 'address'),
    field(3, 'to_address', 'address'),
    field(4, 'amount', 'int64'),
  ],
  AssetIssueContract: assetSchema,
  CreateSmartContract: [
    owner,
    field(2, 'new_contract', { messageOf: smartContractSchema }),
    field(3, 'call_token_value', 'int64'),
    field(4, 'token_id', 'int64'),
  ],
  TriggerSmartContract: [
    owner,
    field(2, 'contract_address', 'address'),
    field(3, 'call_value', 'int64'),
    field(4, 'data', 'bytes'),
    field(5, 'call_token_value', 'int64'),
    field(6, 'token_id', 'int64'),
  ],
  AccountPermissionUpdateContract: [
    owner,
    field(2, 'owner', { messageOf: permissionSchema }),
    field(3, 'witness', { messageOf: permissionSchema }),
    list(4, 'actives', { messageOf: permissionSchema }),
  ],
  FreezeBalanceV2Contract: [
    owner,
    field(2, 'frozen_balance', 'int64'),
    field(3, 'resource', resource),
  ],
  UnfreezeBalanceV2Contract: [
    owner,
    field(2, 'unfreeze_balance', 'int64'),
    field(3, 'resource', resource),
  ],
} as const satisfies Record<string, Schema>;

export type ContractType = keyof typeof contractSchemas;

/** Numbers of `Transaction.Contract.ContractType`; also the bit of a permission's `operations`. */
export const contractTypeNumbers: Readonly<Record<ContractType, number>> = {
  AccountCreateContract: 0,
  TransferContract: 1,
  TransferAssetContract: 2,
  AssetIssueContract: 6,
  CreateSmartContract: 30,
  TriggerSmartContract: 31,
  AccountPermissionUpdateContract: 46,
  FreezeBalanceV2Contract: 54,
  UnfreezeBalanceV2Contract: 55,
};

/** Narrows a text to a contract type of this chain. */
export function isContractType(name: string): name is ContractType {
  return Object.hasOwn(contractSchemas, name);
}

export const anySchema: Schema = [field(1, 'type_url', 'string'), field(2, 'value', 'bytes')];
export const contractSchema: Schema = [
  field(1, 'type', { enumOf: contractTypeNumbers }),
  field(2, 'parameter', { messageOf: anySchema }),
  field(3, 'provider', 'bytes'),
  field(4, 'ContractName', 'bytes'),
  field(5, 'Permission_id', 'int32'),
];
export const rawSchema: Schema = [
  field(1, 'ref_block_bytes', 'bytes'),
  field(3, 'ref_block_num', 'int64'),
  field(4, 'ref_block_hash', 'bytes'),
  field(8, 'expiration', 'int64'),
  field(10, 'data', 'bytes'),
  list(11, 'contract', { messageOf: contractSchema }),
  field(12, 'scripts', 'bytes'),
  field(14, 'timestamp', 'int64'),
  field(18, 'fee_limit', 'int64'),
];
/** `Transaction.Result.contractResult`. */
export const contractResults = {
  DEFAULT: 0,
  SUCCESS: 1,
  REVERT: 2,
  BAD_JUMP_DESTINATION: 3,
  OUT_OF_MEMORY: 4,
  PRECOMPILED_CONTRACT: 5,
  STACK_TOO_SMALL: 6,
  STACK_TOO_LARGE: 7,
  ILLEGAL_OPERATION: 8,
  STACK_OVERFLOW: 9,
  OUT_OF_ENERGY: 10,
  OUT_OF_TIME: 11,
  JVM_STACK_OVER_FLOW: 12,
  UNKNOWN: 13,
  TRANSFER_FAILED: 14,
  INVALID_CODE: 15,
} as const;
export type ContractResult = keyof typeof contractResults;

const resultSchema: Schema = [
  field(1, 'fee', 'int64'),
  field(2, 'ret', { enumOf: { SUCESS: 0, FAILED: 1 } }),
  field(3, 'contractRet', { enumOf: contractResults }),
];
export const transactionSchema: Schema = [
  field(1, 'raw_data', { messageOf: rawSchema }),
  list(2, 'signature', 'bytes'),
  list(5, 'ret', { messageOf: resultSchema }),
];
export const headerSchema: Schema = [
  field(1, 'timestamp', 'int64'),
  field(2, 'txTrieRoot', 'bytes'),
  field(3, 'parentHash', 'bytes'),
  field(7, 'number', 'int64'),
  field(9, 'witness_address', 'address'),
  field(10, 'version', 'int32'),
];

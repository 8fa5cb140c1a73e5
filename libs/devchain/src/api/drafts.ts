import { referenceOf } from '../chain/admission.js';
import type { ChainNode } from '../chain/node.js';
import { isObject, type JsonObject, messageFromJson, toBytes, toInt } from '../codec/json.js';
import { type ContractType, contractSchemas } from '../codec/schema.js';
import { draftTransaction, type Transaction } from '../codec/transaction.js';
import { params as chain } from '../params.js';
import type { ApiRequest } from './request.js';

/** Builds the unsigned transaction a /wallet/create… request asks for. @throws JsonError */
export function draft(
  node: ChainNode,
  { params, visible }: ApiRequest,
  type: ContractType,
  value: JsonObject = params,
): Transaction {
  const { ledger } = node;
  const reference = referenceOf(ledger.index, ledger.headNumber);
  const fee = params.fee_limit;
  const permission = params.Permission_id;
  const extra = params.extra_data;
  const memo =
    typeof extra === 'string'
      ? visible
        ? Buffer.from(extra)
        : toBytes(extra, 'extra_data')
      : undefined;
  return draftTransaction({
    type,
    value: messageFromJson(contractSchemas[type], value, 'parameters', visible),
    ...(permission === undefined
      ? {}
      : { permissionId: Number(toInt(permission, 'Permission_id')) }),
    refBlockBytes: reference.bytes,
    refBlockHash: reference.hash,
    expirationMs: BigInt(ledger.headTimestampMs + chain.defaultExpirationMs),
    timestampMs: BigInt(node.now()),
    ...(fee === undefined ? {} : { feeLimitSun: toInt(fee, 'fee_limit') }),
    ...(memo === undefined ? {} : { memo }),
  });
}

/** The value of a CreateSmartContract from `deploycontract`'s flat parameters. */
export function deploymentValue(params: JsonObject): JsonObject {
  const abi: unknown = typeof params.abi === 'string' ? JSON.parse(params.abi) : params.abi;
  const entrys = Array.isArray(abi) ? abi : isObject(abi) ? abi.entrys : [];
  const argument = typeof params.parameter === 'string' ? params.parameter : '';
  const pick = (...names: string[]): JsonObject =>
    Object.fromEntries(names.map((name) => [name, params[name]]));
  return {
    ...pick('owner_address', 'call_token_value', 'token_id'),
    new_contract: {
      ...pick('call_value', 'consume_user_resource_percent', 'origin_energy_limit', 'name'),
      origin_address: params.owner_address,
      abi: { entrys: (entrys ?? []) as JsonObject[] },
      bytecode: `${String(params.bytecode ?? '')}${argument}`,
    },
  };
}

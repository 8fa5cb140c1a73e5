import secp256k1 from 'secp256k1';
import { addressOfPublicKey, contractAddress, toBase58 } from './address.js';
import { sha256 } from './hash.js';
import {
  isObject,
  type Json,
  JsonError,
  type JsonObject,
  messageFromJson,
  messageToJson,
  toBytes,
} from './json.js';
import {
  bytesOf,
  decode,
  encode,
  intOf,
  type Message,
  messageOf,
  messagesOf,
  ProtobufError,
  textOf,
} from './protobuf.js';
import {
  type ContractResult,
  type ContractType,
  contractResults,
  contractSchemas,
  contractTypeNumbers,
  isContractType,
  rawSchema,
  transactionSchema,
} from './schema.js';

/** A transaction with everything derived from its raw data. */
export interface Transaction {
  /** SHA-256 of the serialized raw data, lower-case hex. */
  readonly txId: string;
  readonly raw: Message;
  readonly rawBytes: Buffer;
  readonly signatures: readonly Uint8Array[];
  readonly type: ContractType;
  readonly value: Message;
  readonly permissionId: number;
  /** 21 bytes. */
  readonly owner: Uint8Array;
  /** Serialized size without results: what bandwidth is charged for. */
  readonly sizeBytes: number;
}

const SIGNATURES_MAX = 16;
const TYPE_URL = 'type.googleapis.com/protocol.';

function assemble(raw: Message, signatures: readonly Uint8Array[]): Transaction {
  const rawBytes = encode(rawSchema, raw);
  const contracts = messagesOf(raw, 'contract');
  const [contract] = contracts;
  if (contract === undefined || contracts.length !== 1) {
    throw new JsonError('act size should be exactly 1, this is extend feature');
  }
  if (signatures.length > SIGNATURES_MAX) throw new JsonError('too many signatures');
  const parameter = messageOf(contract, 'parameter') ?? {};
  const type = textOf(parameter, 'type_url').slice(TYPE_URL.length);
  if (!isContractType(type) || BigInt(contractTypeNumbers[type]) !== intOf(contract, 'type')) {
    throw new JsonError('contract type is not supported by this node');
  }
  const value = decode(contractSchemas[type], bytesOf(parameter, 'value'));
  return {
    txId: sha256(rawBytes).toString('hex'),
    raw,
    rawBytes,
    signatures,
    type,
    value,
    permissionId: Number(intOf(contract, 'Permission_id')),
    owner: bytesOf(value, 'owner_address'),
    sizeBytes: encode(transactionSchema, { raw_data: raw, signature: [...signatures] }).length,
  };
}

/** A contract call as JSON, before it is wrapped into raw data. */
export interface Draft {
  readonly type: ContractType;
  readonly value: Message;
  readonly permissionId?: number;
  readonly refBlockBytes: Uint8Array;
  readonly refBlockHash: Uint8Array;
  readonly expirationMs: bigint;
  readonly timestampMs: bigint;
  readonly feeLimitSun?: bigint;
  readonly memo?: Uint8Array;
}

/** Builds an unsigned transaction. */
export function draftTransaction(draft: Draft): Transaction {
  const schema = contractSchemas[draft.type];
  return assemble(
    {
      ref_block_bytes: draft.refBlockBytes,
      ref_block_hash: draft.refBlockHash,
      expiration: draft.expirationMs,
      data: draft.memo ?? new Uint8Array(),
      contract: [
        {
          type: BigInt(contractTypeNumbers[draft.type]),
          parameter: {
            type_url: TYPE_URL + draft.type,
            value: encode(schema, draft.value),
          },
          Permission_id: BigInt(draft.permissionId ?? 0),
        },
      ],
      timestamp: draft.timestampMs,
      fee_limit: draft.feeLimitSun ?? 0n,
    },
    [],
  );
}

function contractFromJson(json: Json, visible: boolean): Message {
  const parameter = isObject(json) ? json.parameter : undefined;
  if (!isObject(json) || !isObject(parameter)) throw new JsonError('contract needs a parameter');
  const type = json.type;
  if (typeof type !== 'string' || !isContractType(type)) {
    throw new JsonError('contract type is not supported by this node');
  }
  const schema = contractSchemas[type];
  const permission = json.Permission_id;
  return {
    type: BigInt(contractTypeNumbers[type]),
    parameter: {
      type_url: TYPE_URL + type,
      value: encode(schema, messageFromJson(schema, parameter.value, 'value', visible)),
    },
    Permission_id: typeof permission === 'number' ? BigInt(Math.trunc(permission)) : 0n,
  };
}

/**
 * Rebuilds a transaction from `raw_data`. Like java-tron it ignores `raw_data_hex` and `txID`, so
 * whatever was changed in `raw_data` changes the id and breaks the signature.
 * @throws JsonError, AddressError, ProtobufError
 */
export function transactionFromJson(json: Json | undefined): Transaction {
  if (!isObject(json) || !isObject(json.raw_data)) throw new JsonError('raw_data is missing');
  const visible = json.visible === true;
  const { contract, ...rest } = json.raw_data;
  const raw = messageFromJson(rawSchema, rest, 'raw_data', visible);
  if (!Array.isArray(contract)) throw new JsonError('contract must be a list');
  raw.contract = contract.map((item) => contractFromJson(item, visible));
  const signatures = json.signature ?? [];
  const list = Array.isArray(signatures) ? signatures : [signatures];
  return assemble(
    raw,
    list.map((item) => toBytes(item, 'signature')),
  );
}

/** Reads a serialized `Transaction`. @throws ProtobufError, JsonError */
export function transactionFromBytes(bytes: Uint8Array): Transaction {
  const message = decode(transactionSchema, bytes);
  const raw = messageOf(message, 'raw_data');
  if (raw === undefined) throw new ProtobufError('raw_data is missing');
  const signatures = Array.isArray(message.signature) ? message.signature : [];
  return assemble(raw, signatures as Uint8Array[]);
}

/** Serializes a transaction, with its result once it has been executed. */
export function transactionToBytes(transaction: Transaction, result?: ContractResult): Buffer {
  const message: Message = { raw_data: transaction.raw, signature: [...transaction.signatures] };
  if (result !== undefined) message.ret = [{ contractRet: BigInt(contractResults[result]) }];
  return encode(transactionSchema, message);
}

/** Address (21 bytes) a CreateSmartContract transaction deploys to. */
export function deployedAddress(transaction: Transaction): Buffer {
  return contractAddress(Buffer.from(transaction.txId, 'hex'), transaction.owner);
}

/** Prints a transaction as java-tron does. */
export function transactionToJson(transaction: Transaction, visible: boolean): JsonObject {
  const { contract: _contract, ...rest } = transaction.raw;
  const schema = contractSchemas[transaction.type];
  const contract: JsonObject = {
    parameter: {
      value: messageToJson(schema, transaction.value, visible),
      type_url: TYPE_URL + transaction.type,
    },
    type: transaction.type,
  };
  if (transaction.permissionId !== 0) contract.Permission_id = transaction.permissionId;
  const json: JsonObject = {
    visible,
    txID: transaction.txId,
    raw_data: { contract: [contract], ...messageToJson(rawSchema, rest, visible) },
    raw_data_hex: transaction.rawBytes.toString('hex'),
  };
  if (transaction.signatures.length > 0) {
    json.signature = transaction.signatures.map((item) => Buffer.from(item).toString('hex'));
  }
  if (transaction.type === 'CreateSmartContract') {
    const address = deployedAddress(transaction);
    json.contract_address = visible ? toBase58(address) : address.toString('hex');
  }
  return json;
}

/** Signs the transaction's id and returns it with the signature appended. */
export function signTransaction(transaction: Transaction, privateKey: Uint8Array): Transaction {
  const { signature, recid } = secp256k1.ecdsaSign(
    Buffer.from(transaction.txId, 'hex'),
    privateKey,
  );
  const bytes = Buffer.concat([signature, Buffer.of(recid + 27)]);
  return assemble(transaction.raw, [...transaction.signatures, bytes]);
}

/** Address (21 bytes) that made `signature` over `txId`, or undefined when nothing can be recovered. */
export function recoverSigner(txId: string, signature: Uint8Array): Buffer | undefined {
  const last = signature[64];
  if (last === undefined) return undefined;
  const recid = last >= 27 ? last - 27 : last;
  if (recid > 3) return undefined;
  try {
    const digest = Buffer.from(txId, 'hex');
    return addressOfPublicKey(secp256k1.ecdsaRecover(signature.slice(0, 64), recid, digest, false));
  } catch {
    return undefined;
  }
}

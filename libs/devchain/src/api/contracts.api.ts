import { type ChainNode, NOBODY } from '../chain/node.js';
import { addressKey, contractAddress } from '../codec/address.js';
import { keccak256, sha256 } from '../codec/hash.js';
import { type JsonObject, messageToJson, toBytes, toInt } from '../codec/json.js';
import { decode, intOf, type Message, messageOf, messagesOf, textOf } from '../codec/protobuf.js';
import { smartContractSchema } from '../codec/schema.js';
import { transactionToJson } from '../codec/transaction.js';
import type { Call, CallResult } from '../evm/machine.js';
import { TransactionRefused } from '../execution/outcome.js';
import { params as chain } from '../params.js';
import { get, type StateReader } from '../state/world.js';
import { draft } from './drafts.js';
import { printText } from './print.js';
import { type ApiRequest, addressKeyParam, addressParam, type Handlers } from './request.js';

const VIEW = [1n, 2n];

/** Call data from `function_selector` and `parameter`, or `data`. */
function callData({ params }: ApiRequest): Buffer {
  const selector = params.function_selector;
  if (typeof selector !== 'string' || selector === '') return toBytes(params.data ?? '', 'data');
  const head = keccak256(Buffer.from(selector)).subarray(0, 4);
  return Buffer.concat([head, toBytes(params.parameter ?? '', 'parameter')]);
}

function readCall(request: ApiRequest): Call {
  const { params } = request;
  const caller =
    params.owner_address === undefined ? undefined : addressParam(request, 'owner_address');
  const data = callData(request);
  const txId = sha256(data);
  const to = params.contract_address;
  const creates = to === undefined || to === '' || to === null;
  return {
    txId,
    caller: caller === undefined ? NOBODY : addressKey(caller),
    ...(creates
      ? { deployTo: addressKey(contractAddress(txId, caller ?? Buffer.alloc(21))) }
      : { to: addressKeyParam(request, 'contract_address') }),
    data,
    valueSun: toInt(params.call_value ?? 0, 'call_value'),
    tokenValue: toInt(params.call_token_value ?? 0, 'call_token_value'),
    tokenId: toInt(params.token_id ?? 0, 'token_id'),
    energyLimit: chain.constantEnergyMax,
  };
}

function isView(contract: Message, data: Buffer): boolean {
  const entry = messagesOf(messageOf(contract, 'abi') ?? {}, 'entrys').find((candidate) => {
    const types = messagesOf(candidate, 'inputs').map((input) => textOf(input, 'type'));
    const signature = `${textOf(candidate, 'name')}(${types.join(',')})`;
    return (
      intOf(candidate, 'type') === 2n &&
      keccak256(Buffer.from(signature)).subarray(0, 4).equals(data.subarray(0, 4))
    );
  });
  return entry !== undefined && VIEW.includes(intOf(entry, 'stateMutability'));
}

/** Reading contracts. */
export function contractReadHandlers({ ledger }: ChainNode): Handlers {
  const state = ({ solid }: ApiRequest): StateReader => (solid ? ledger.solidState : ledger.world);
  return {
    getcontract: (request) => {
      const contract = contractIn(state(request), addressKeyParam(request, 'value'));
      return contract === undefined
        ? {}
        : messageToJson(smartContractSchema, contract, request.visible);
    },
    getcontractinfo: (request) => {
      const key = addressKeyParam(request, 'value');
      const contract = contractIn(state(request), key);
      if (contract === undefined) return {};
      return {
        runtimecode: Buffer.from(get(state(request), 'code', key) ?? []).toString('hex'),
        smart_contract: messageToJson(smartContractSchema, contract, request.visible),
        contract_state: {},
      };
    },
  };
}

function contractIn(reader: StateReader, key: string): Message | undefined {
  const bytes = get(reader, 'contract', key);
  return bytes === undefined ? undefined : decode(smartContractSchema, bytes);
}

/** Calling contracts. */
export function contractHandlers(node: ChainNode): Handlers {
  const { ledger } = node;
  const state = ({ solid }: ApiRequest): StateReader => (solid ? ledger.solidState : ledger.world);
  const contractOf = (request: ApiRequest, key: string): Message | undefined =>
    contractIn(state(request), key);
  /** @throws TransactionRefused where there is no such contract */
  const run = async (request: ApiRequest): Promise<CallResult> => {
    const call = readCall(request);
    if (call.to !== undefined && contractOf(request, call.to) === undefined) {
      const message = 'No contract or not a valid smart contract';
      throw new TransactionRefused('CONTRACT_VALIDATE_ERROR', message);
    }
    return node.call(call, request.solid);
  };
  const guarded = async (
    request: ApiRequest,
    task: () => Promise<JsonObject>,
  ): Promise<JsonObject> => {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof TransactionRefused)) throw error;
      return { result: { code: error.code, message: printText(error.message, request.visible) } };
    }
  };
  const constantCall = (request: ApiRequest): Promise<JsonObject> =>
    guarded(request, async () => {
      const done = await run(request);
      if (done.result !== 'SUCCESS' && done.result !== 'REVERT') {
        throw new TransactionRefused('OTHER_ERROR', `${done.result} : ${done.message}`);
      }
      const reverted = done.result === 'REVERT';
      const creates = readCall(request).to === undefined;
      return {
        result: {
          result: true,
          ...(reverted ? { message: printText(done.message, request.visible) } : {}),
        },
        energy_used: BigInt(done.energyUsed),
        constant_result: [Buffer.from(done.returned).toString('hex')],
        ...(creates
          ? {}
          : {
              transaction: {
                ret: [reverted ? { ret: 'FAILED' } : {}],
                ...transactionToJson(trigger(request), request.visible),
              },
            }),
      };
    });
  const trigger = (request: ApiRequest) =>
    draft(node, request, 'TriggerSmartContract', {
      ...request.params,
      data: callData(request).toString('hex'),
    });
  return {
    triggerconstantcontract: constantCall,
    triggersmartcontract: (request) =>
      guarded(request, async () => {
        const contract = contractOf(request, addressKeyParam(request, 'contract_address'));
        if (contract === undefined) {
          const message = 'Contract validate error : No contract or not a valid smart contract';
          throw new TransactionRefused('CONTRACT_VALIDATE_ERROR', message);
        }
        if (isView(contract, callData(request))) return constantCall(request);
        return {
          result: { result: true },
          transaction: transactionToJson(trigger(request), request.visible),
        };
      }),
    estimateenergy: (request) =>
      guarded(request, async () => {
        const done = await run(request);
        if (done.result !== 'SUCCESS') {
          throw new TransactionRefused('CONTRACT_EXE_ERROR', done.message);
        }
        return { result: { result: true }, energy_required: BigInt(done.energyUsed) };
      }),
  };
}

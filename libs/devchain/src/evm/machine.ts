import { EVMError, type ExecResult } from '@ethereumjs/evm';
import { createAddressFromString } from '@ethereumjs/util';
import { addressKey } from '../codec/address.js';
import type { ContractResult } from '../codec/schema.js';
import type { InternalCall, LogEntry } from '../execution/outcome.js';
import { params } from '../params.js';
import type { Overlay } from '../state/world.js';
import { CallRecorder } from './call-recorder.js';
import { StateAdapter } from './state-adapter.js';
import { type CallContext, TronEvm } from './tron-evm.js';

/** The block a call runs in. */
export interface BlockContext {
  readonly number: number;
  readonly timestampMs: number;
  readonly witness: Uint8Array;
}

export interface Call {
  readonly txId: Buffer;
  /** Address keys. */
  readonly caller: string;
  /** The contract called; absent when `data` is creation code. */
  readonly to?: string;
  /** Where creation code deploys to. */
  readonly deployTo?: string;
  readonly data: Uint8Array;
  readonly valueSun: bigint;
  readonly tokenValue: bigint;
  readonly tokenId: bigint;
  readonly energyLimit: bigint;
}

export interface CallResult {
  readonly result: ContractResult;
  readonly energyUsed: number;
  readonly returned: Uint8Array;
  readonly logs: readonly LogEntry[];
  readonly internals: readonly InternalCall[];
  /** Human-readable, empty on success. */
  readonly message: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function classify(error: EVMError, timedOut: boolean): [ContractResult, string] {
  const messages = EVMError.errorMessages;
  if (timedOut) return ['OUT_OF_TIME', 'CPU timeout for the operation executing'];
  switch (error.error) {
    case messages.REVERT:
      return ['REVERT', 'REVERT opcode executed'];
    case messages.OUT_OF_GAS:
    case messages.CODESTORE_OUT_OF_GAS:
      return ['OUT_OF_ENERGY', 'Not enough energy for the operation executing'];
    case messages.INVALID_JUMP:
      return ['BAD_JUMP_DESTINATION', "Operation with pc isn't allowed as jump destination"];
    case messages.INVALID_OPCODE:
      return ['ILLEGAL_OPERATION', 'Invalid operation code'];
    case messages.STACK_UNDERFLOW:
      return ['STACK_TOO_SMALL', 'Expected stack size is larger than actual'];
    case messages.STACK_OVERFLOW:
      return ['STACK_TOO_LARGE', 'Expected stack size exceeds the maximum'];
    case messages.INSUFFICIENT_BALANCE:
      return ['TRANSFER_FAILED', 'transfer failed'];
    case messages.STATIC_STATE_CHANGE:
      return ['ILLEGAL_OPERATION', 'Attempt to call a state modifying opcode inside STATICCALL'];
    default:
      return ['UNKNOWN', error.error];
  }
}

/** Runs contract code on an overlay. One call at a time: callers serialize. */
export class Machine {
  private readonly adapter = new StateAdapter();
  private readonly evm: TronEvm;
  private readonly recorder: CallRecorder;

  /** @param blockHash 32-byte id of a recent block by number */
  constructor(chainId: number, blockHash: (number: number) => Uint8Array) {
    const blockchain = {
      getBlock: async (number: number) => ({ hash: () => blockHash(number) }),
      putBlock: async () => undefined,
      shallowCopy: () => blockchain,
    };
    this.evm = new TronEvm(this.adapter, chainId, blockchain);
    this.recorder = new CallRecorder(this.evm.events);
  }

  /** Executes `call`; its state changes are in `overlay` unless it failed. */
  async run(overlay: Overlay, block: BlockContext, call: Call): Promise<CallResult> {
    const context: CallContext = {
      txId: call.txId,
      callTokenValue: call.tokenValue,
      callTokenId: call.tokenId,
      deadlineMs: Date.now() + params.executionTimeMaxMs,
      ...(call.deployTo === undefined ? {} : { deployTo: call.deployTo }),
      timedOut: false,
      creations: 0,
    };
    this.adapter.overlay = overlay;
    this.adapter.nowMs = block.timestampMs;
    this.evm.context = context;
    try {
      const { execResult } = await this.evm.runCall({
        block: { header: evmHeader(block) },
        caller: createAddressFromString(`0x${call.caller}`),
        ...(call.to === undefined ? {} : { to: createAddressFromString(`0x${call.to}`) }),
        data: call.data,
        value: call.valueSun,
        gasLimit: call.energyLimit,
        skipNonceIncrement: true,
      });
      if (execResult.exceptionError === undefined) forget(overlay, execResult);
      const [result, message] =
        execResult.exceptionError === undefined
          ? (['SUCCESS', ''] as const)
          : classify(execResult.exceptionError, context.timedOut);
      return {
        result,
        message,
        internals: this.recorder.take(),
        energyUsed: Number(execResult.executionGasUsed),
        returned: execResult.returnValue,
        logs: (execResult.logs ?? []).map(([address, topics, data]) => ({
          address: addressKey(address),
          topics: topics.map(hex),
          data: hex(data),
        })),
      };
    } finally {
      this.adapter.overlay = undefined;
      this.evm.context = undefined;
      this.recorder.take();
      this.evm.journal.cleanJournal();
      this.evm.transientStorage.clear();
    }
  }
}

/** Removes contracts that were created and destroyed within the same transaction (EIP-6780). */
function forget(overlay: Overlay, { selfdestruct, createdAddresses }: ExecResult): void {
  for (const address of selfdestruct?.keys() ?? []) {
    if (createdAddresses?.has(address) !== true) continue;
    const key = address.slice(2);
    overlay.set('account', key, undefined);
    overlay.set('code', key, undefined);
  }
}

function evmHeader(block: BlockContext) {
  return {
    number: BigInt(block.number),
    coinbase: createAddressFromString(`0x${addressKey(block.witness)}`),
    timestamp: BigInt(Math.floor(block.timestampMs / 1000)),
    difficulty: 0n,
    prevRandao: new Uint8Array(32),
    gasLimit: 0n,
    baseFeePerGas: params.energyPriceSun,
    getBlobGasPrice: () => 0n,
  };
}

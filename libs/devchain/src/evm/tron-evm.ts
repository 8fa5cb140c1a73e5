import { setImmediate as pause } from 'node:timers/promises';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import {
  EVM,
  EVMError,
  type EVMMockBlockchainInterface,
  type EVMOpts,
  type Message,
  NobleBN254,
  paramsEVM,
} from '@ethereumjs/evm';
import { Address, bigIntToBytes, createAddressFromString } from '@ethereumjs/util';
import { keccak256 } from '../codec/hash.js';
import { params } from '../params.js';
import { assetOf } from '../state/accounts.js';
import type { StateAdapter } from './state-adapter.js';

type CustomOpcode = NonNullable<EVMOpts['customOpcodes']>[number];
type OpHandler = Extract<CustomOpcode, { logicFunction: unknown }>['logicFunction'];

/** Facts of the running transaction that opcodes and address derivation need. */
export interface CallContext {
  readonly txId: Buffer;
  readonly callTokenValue: bigint;
  readonly callTokenId: bigint;
  readonly deadlineMs: number;
  /** Address key a top-level creation deploys to. */
  readonly deployTo?: string;
  timedOut: boolean;
  creations: number;
}

/** Flat prices of TRON's virtual machine where Ethereum charges by cold and warm access. */
const tronGas: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  607: { expByteGas: 10 },
  2929: {
    coldsloadGas: 0,
    coldaccountaccessGas: 0,
    warmstoragereadGas: 0,
    sloadGas: 50,
    callGas: 40,
    callcodeGas: 40,
    delegatecallGas: 40,
    staticcallGas: 40,
    balanceGas: 20,
    extcodesizeGas: 20,
    extcodecopyGas: 20,
    extcodehashGas: 400,
  },
  3860: { initCodeWordGas: 0 },
};
const SSTORE_SET_GAS = 20_000n;
const SSTORE_RESET_GAS = 5_000n;

function gasTable(): typeof paramsEVM {
  const table = structuredClone(paramsEVM) as Record<string, Record<string, unknown>>;
  for (const [eip, prices] of Object.entries(tronGas)) table[eip] = { ...table[eip], ...prices };
  return table as typeof paramsEVM;
}

/** After so many jumps a call lets the node answer other requests. */
const JUMPS_PER_PAUSE = 10_000;

/** The EVM of @ethereumjs with TRON's addresses, prices and opcodes, at the fork TRON has reached. */
export class TronEvm extends EVM {
  context: CallContext | undefined;

  constructor(adapter: StateAdapter, chainId: number, blockchain: EVMMockBlockchainInterface) {
    const evm: { current?: TronEvm } = {};
    const context = (): CallContext | undefined => evm.current?.context;
    super({
      common: new Common({ chain: Mainnet, hardfork: Hardfork.Cancun }),
      stateManager: adapter,
      blockchain,
      bn254: new NobleBN254(),
      allowUnlimitedContractSize: true,
      allowUnlimitedInitCodeSize: true,
      params: gasTable(),
      customOpcodes: customOpcodes(adapter, BigInt(chainId), context),
    });
    evm.current = this;
  }

  /** TRON derives addresses from the transaction instead of the creator's nonce. */
  protected override async _generateAddress(message: Message): Promise<Address> {
    const { context } = this;
    if (context === undefined) throw new Error('no transaction to derive an address from');
    if (message.salt !== undefined) {
      const creator = Buffer.concat([Buffer.of(0x41), message.caller.bytes]);
      const code = keccak256(message.code as Uint8Array);
      return hashAddress(creator, message.salt, code);
    }
    if (message.depth === 0 && context.deployTo !== undefined) {
      return createAddressFromString(`0x${context.deployTo}`);
    }
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(BigInt(++context.creations));
    return hashAddress(context.txId, number);
  }
}

function hashAddress(...parts: Uint8Array[]): Address {
  return new Address(Uint8Array.from(keccak256(Buffer.concat(parts)).subarray(12)));
}

const word = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

/** Storage costs 20 000 where it was empty and is filled, 5 000 otherwise. */
const sstore: CustomOpcode = {
  opcode: 0x55,
  opcodeName: 'SSTORE',
  baseFee: 0,
  gasFunction: async (run, gas) => {
    if (run.interpreter.isStatic()) throw new EVMError(EVMError.errorMessages.STATIC_STATE_CHANGE);
    const [slot = 0n, value = 0n] = run.stack.peek(2);
    const before = await run.interpreter.storageLoad(word(slot));
    const fills = before.length === 0 && value !== 0n;
    return gas + (fills ? SSTORE_SET_GAS : SSTORE_RESET_GAS);
  },
  logicFunction: async (run) => {
    const [slot = 0n, value = 0n] = run.stack.popN(2);
    const bytes = value === 0n ? new Uint8Array() : bigIntToBytes(value);
    await run.interpreter.storageStore(word(slot), bytes);
  },
};

function customOpcodes(
  adapter: StateAdapter,
  chainId: bigint,
  context: () => CallContext | undefined,
): CustomOpcode[] {
  const opcode = (code: number, name: string, fee: number, logicFunction: OpHandler) => ({
    opcode: code,
    opcodeName: name,
    baseFee: fee,
    logicFunction,
  });
  const constant = (code: number, name: string, value: () => bigint): CustomOpcode =>
    opcode(code, name, 2, (run) => run.stack.push(value()));
  const keyOf = (value: bigint): string =>
    (value & ((1n << 160n) - 1n)).toString(16).padStart(40, '0');
  let untilCheck = JUMPS_PER_PAUSE;
  return [
    constant(0x46, 'CHAINID', () => chainId),
    constant(0x48, 'BASEFEE', () => params.energyPriceSun),
    opcode(0x49, 'BLOBHASH', 3, (run) => {
      run.stack.pop();
      run.stack.push(0n);
    }),
    constant(0x4a, 'BLOBBASEFEE', () => 0n),
    sstore,
    // Every loop passes a JUMPDEST, so this is where a call that takes too long is noticed.
    opcode(0x5b, 'JUMPDEST', 1, async () => {
      untilCheck -= 1;
      if (untilCheck > 0) return;
      untilCheck = JUMPS_PER_PAUSE;
      await pause();
      const current = context();
      if (current !== undefined && Date.now() > current.deadlineMs) {
        current.timedOut = true;
        throw new EVMError(EVMError.errorMessages.OUT_OF_GAS);
      }
    }),
    opcode(0xd1, 'TOKENBALANCE', 20, (run) => {
      const [tokenId = 0n, owner = 0n] = run.stack.popN(2);
      const { overlay } = adapter;
      const balance = overlay ? assetOf(overlay, keyOf(owner), tokenId.toString()) : 0n;
      run.stack.push(balance);
    }),
    constant(0xd2, 'CALLTOKENVALUE', () => context()?.callTokenValue ?? 0n),
    constant(0xd3, 'CALLTOKENID', () => context()?.callTokenId ?? 0n),
    opcode(0xd4, 'ISCONTRACT', 20, async (run) => {
      const address = createAddressFromString(`0x${keyOf(run.stack.pop())}`);
      run.stack.push((await adapter.getCodeSize(address)) > 0 ? 1n : 0n);
    }),
  ];
}

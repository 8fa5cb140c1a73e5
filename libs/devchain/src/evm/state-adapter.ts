import type { AccountFields, StateManagerInterface } from '@ethereumjs/common';
import { type Address, Account as EvmAccount } from '@ethereumjs/util';
import { keccak256 } from '../codec/hash.js';
import { accountOf, newAccount } from '../state/accounts.js';
import { get, type Overlay } from '../state/world.js';

const NO_BYTES = new Uint8Array();
const keyOf = (address: Address): string => address.toString().slice(2);
const slotKey = (address: Address, slot: Uint8Array): string =>
  `${keyOf(address)}:${Buffer.from(slot).toString('hex')}`;

function unsupported(): never {
  throw new Error('the development chain keeps no state root');
}

/** Lets the EVM work on the chain's own accounts, code and storage. */
export class StateAdapter implements StateManagerInterface {
  /** The state the running call works on. */
  overlay: Overlay | undefined;
  nowMs = 0;
  /** Code hashes by code, as one code object is read many times. */
  private readonly codeHashes = new WeakMap<Uint8Array, Uint8Array>();

  readonly originalStorageCache = {
    get: (address: Address, slot: Uint8Array) => this.getStorage(address, slot),
    clear: () => undefined,
  };

  private get state(): Overlay {
    if (this.overlay === undefined) throw new Error('no state to execute on');
    return this.overlay;
  }

  async getAccount(address: Address): Promise<EvmAccount | undefined> {
    const account = accountOf(this.state, keyOf(address));
    if (account === undefined) return undefined;
    const code = get(this.state, 'code', keyOf(address));
    const evmAccount = new EvmAccount(account.nonce, account.balanceSun);
    if (code !== undefined) evmAccount.codeHash = this.hashOf(code);
    return evmAccount;
  }

  async putAccount(address: Address, account?: EvmAccount): Promise<void> {
    const key = keyOf(address);
    if (account === undefined) return this.deleteAccount(address);
    const known = accountOf(this.state, key);
    if (known === undefined && account.isEmpty()) return;
    if (known?.balanceSun === account.balance && known.nonce === account.nonce) return;
    this.state.set('account', key, {
      ...(known ?? newAccount(this.nowMs)),
      balanceSun: account.balance,
      nonce: account.nonce,
    });
  }

  async deleteAccount(address: Address): Promise<void> {
    this.state.set('account', keyOf(address), undefined);
  }

  async modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const account = (await this.getAccount(address)) ?? new EvmAccount();
    account.nonce = fields.nonce ?? account.nonce;
    account.balance = fields.balance ?? account.balance;
    await this.putAccount(address, account);
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    const key = keyOf(address);
    const account = accountOf(this.state, key) ?? newAccount(this.nowMs);
    this.state.set('account', key, { ...account, kind: 'contract' });
    this.state.set('code', key, code);
  }

  async getCode(address: Address): Promise<Uint8Array> {
    return get(this.state, 'code', keyOf(address)) ?? NO_BYTES;
  }

  async getCodeSize(address: Address): Promise<number> {
    return (await this.getCode(address)).length;
  }

  async getStorage(address: Address, slot: Uint8Array): Promise<Uint8Array> {
    return get(this.state, 'slot', slotKey(address, slot)) ?? NO_BYTES;
  }

  async putStorage(address: Address, slot: Uint8Array, value: Uint8Array): Promise<void> {
    const word = value.length === 0 ? undefined : Uint8Array.from(value);
    this.state.set('slot', slotKey(address, slot), word);
  }

  /** New contract addresses come from a fresh transaction id, so there is never anything to clear. */
  async clearStorage(): Promise<void> {}

  async checkpoint(): Promise<void> {
    this.state.checkpoint();
  }

  async commit(): Promise<void> {
    this.state.commit();
  }

  async revert(): Promise<void> {
    this.state.revert();
  }

  getStateRoot = async (): Promise<Uint8Array> => unsupported();
  setStateRoot = async (): Promise<void> => unsupported();
  hasStateRoot = async (): Promise<boolean> => false;
  clearCaches(): void {}
  shallowCopy(): StateManagerInterface {
    return unsupported();
  }

  private hashOf(code: Uint8Array): Uint8Array {
    const known = this.codeHashes.get(code);
    if (known !== undefined) return known;
    const hash = keccak256(code);
    this.codeHashes.set(code, hash);
    return hash;
  }
}

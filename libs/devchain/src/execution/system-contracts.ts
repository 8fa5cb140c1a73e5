import { addressKey } from '../codec/address.js';
import { bytesOf, encode, intOf, type Message } from '../codec/protobuf.js';
import { assetSchema } from '../codec/schema.js';
import type { Transaction } from '../codec/transaction.js';
import { params } from '../params.js';
import {
  accountOf,
  addAsset,
  addBalance,
  assetOf,
  newAccount,
  updateAccount,
} from '../state/accounts.js';
import { readPermissions } from '../state/permissions.js';
import { get, type Overlay } from '../state/world.js';
import { invalid } from './outcome.js';

export interface SystemResult {
  readonly feeSun: bigint;
  readonly assetIssueId?: string;
}
const FREE: SystemResult = { feeSun: 0n };

function target(value: Message, field: string): string {
  const address = bytesOf(value, field);
  if (address.length !== 21)
    throw invalid(`Invalid ${field === 'to_address' ? 'toAddress' : field}!`);
  return addressKey(address);
}

function pay(overlay: Overlay, key: string, sun: bigint, nowMs: number, message: string): void {
  if ((accountOf(overlay, key)?.balanceSun ?? 0n) < sun) throw invalid(message);
  addBalance(overlay, key, -sun, nowMs);
}

/** Creates the receiver when it is new. @returns the fee for that */
function activate(
  overlay: Overlay,
  owner: string,
  to: string,
  nowMs: number,
  name: string,
): bigint {
  const account = accountOf(overlay, to);
  if (account?.kind === 'contract') {
    throw invalid(
      name === 'TransferContract'
        ? 'Cannot transfer TRX to a smartContract.'
        : 'Cannot transfer asset to smartContract.',
    );
  }
  if (account !== undefined) return 0n;
  pay(
    overlay,
    owner,
    params.createAccountFeeSun,
    nowMs,
    `Validate ${name} error, insufficient fee.`,
  );
  overlay.set('account', to, newAccount(nowMs));
  return params.createAccountFeeSun;
}

function transfer(owner: string, value: Message, overlay: Overlay, nowMs: number): SystemResult {
  const to = target(value, 'to_address');
  const amount = intOf(value, 'amount');
  if (to === owner) throw invalid('Cannot transfer TRX to yourself.');
  if (amount <= 0n) throw invalid('Amount must be greater than 0.');
  const balance = accountOf(overlay, owner)?.balanceSun ?? 0n;
  if (balance < amount) {
    throw invalid('Validate TransferContract error, balance is not sufficient.');
  }
  const feeSun = activate(overlay, owner, to, nowMs, 'TransferContract');
  pay(overlay, owner, amount, nowMs, 'Validate TransferContract error, balance is not sufficient.');
  addBalance(overlay, to, amount, nowMs);
  return { feeSun };
}

function transferAsset(
  owner: string,
  value: Message,
  overlay: Overlay,
  nowMs: number,
): SystemResult {
  const to = target(value, 'to_address');
  const amount = intOf(value, 'amount');
  const id = Buffer.from(bytesOf(value, 'asset_name')).toString('utf8');
  if (to === owner) throw invalid('Cannot transfer asset to yourself.');
  if (amount <= 0n) throw invalid('Amount must be greater than 0.');
  if (get(overlay, 'token', id) === undefined) throw invalid('No asset!');
  const balance = assetOf(overlay, owner, id);
  if (balance <= 0n) throw invalid('assetBalance must be greater than 0.');
  if (balance < amount) throw invalid('assetBalance is not sufficient.');
  const feeSun = activate(overlay, owner, to, nowMs, 'TransferAssetActuator');
  addAsset(overlay, owner, id, -amount);
  addAsset(overlay, to, id, amount);
  return { feeSun };
}

function createAccount(
  owner: string,
  value: Message,
  overlay: Overlay,
  nowMs: number,
): SystemResult {
  const to = target(value, 'account_address');
  if (accountOf(overlay, to) !== undefined) throw invalid('Account has existed');
  return { feeSun: activate(overlay, owner, to, nowMs, 'CreateAccountActuator') };
}

function issueAsset(owner: string, value: Message, overlay: Overlay, nowMs: number): SystemResult {
  const supply = intOf(value, 'total_supply');
  const precision = intOf(value, 'precision');
  if (bytesOf(value, 'name').length === 0) throw invalid('Invalid assetName');
  if (supply <= 0n) throw invalid('TotalSupply must greater than 0!');
  if (precision < 0n || precision > 6n) throw invalid('precision cannot exceed 6');
  pay(overlay, owner, params.assetIssueFeeSun, nowMs, 'No enough balance for fee!');
  const next = (get(overlay, 'counter', 'tokenId') ?? 0n) + 1n;
  const assetIssueId = next.toString();
  overlay.set('counter', 'tokenId', next);
  overlay.set('token', assetIssueId, encode(assetSchema, { ...value, id: assetIssueId }));
  addAsset(overlay, owner, assetIssueId, supply);
  return { feeSun: params.assetIssueFeeSun, assetIssueId };
}

function updatePermissions(
  owner: string,
  value: Message,
  overlay: Overlay,
  nowMs: number,
): SystemResult {
  const permissions = readPermissions(value);
  if (typeof permissions === 'string') throw invalid(permissions);
  const feeSun = params.permissionUpdateFeeSun;
  pay(overlay, owner, feeSun, nowMs, 'Validate AccountPermissionUpdate error, insufficient fee.');
  updateAccount(overlay, owner, nowMs, () => ({ permissions }));
  return { feeSun };
}

/** Which balance of the account a resource's stake is kept in. */
function frozenField(value: Message): 'frozenNetSun' | 'frozenEnergySun' {
  const resource = intOf(value, 'resource');
  if (resource === 0n) return 'frozenNetSun';
  if (resource === 1n) return 'frozenEnergySun';
  throw invalid('ResourceCode error, valid ResourceCode[BANDWIDTH、ENERGY]');
}

function freeze(owner: string, value: Message, overlay: Overlay, nowMs: number): SystemResult {
  const amount = intOf(value, 'frozen_balance');
  const field = frozenField(value);
  if (amount < 1_000_000n) throw invalid('frozenBalance must be greater than or equal to 1 TRX');
  pay(overlay, owner, amount, nowMs, 'frozenBalance must be less than or equal to accountBalance');
  updateAccount(overlay, owner, nowMs, (account) => ({ [field]: account[field] + amount }));
  return FREE;
}

function unfreeze(owner: string, value: Message, overlay: Overlay, nowMs: number): SystemResult {
  const amount = intOf(value, 'unfreeze_balance');
  const field = frozenField(value);
  const frozen = accountOf(overlay, owner)?.[field] ?? 0n;
  if (amount <= 0n || amount > frozen) throw invalid('Invalid unfreeze_balance');
  updateAccount(overlay, owner, nowMs, (account) => ({
    [field]: account[field] - amount,
    balanceSun: account.balanceSun + amount,
  }));
  return FREE;
}

/** Executes every contract type that runs no code. @throws TransactionRefused */
export function executeSystemContract(
  { type, value, owner }: Transaction,
  overlay: Overlay,
  nowMs: number,
): SystemResult {
  const key = addressKey(owner);
  switch (type) {
    case 'TransferContract':
      return transfer(key, value, overlay, nowMs);
    case 'TransferAssetContract':
      return transferAsset(key, value, overlay, nowMs);
    case 'AccountCreateContract':
      return createAccount(key, value, overlay, nowMs);
    case 'AssetIssueContract':
      return issueAsset(key, value, overlay, nowMs);
    case 'AccountPermissionUpdateContract':
      return updatePermissions(key, value, overlay, nowMs);
    case 'FreezeBalanceV2Contract':
      return freeze(key, value, overlay, nowMs);
    case 'UnfreezeBalanceV2Contract':
      return unfreeze(key, value, overlay, nowMs);
    case 'CreateSmartContract':
    case 'TriggerSmartContract':
      throw new Error('contract code is executed by the machine');
  }
}

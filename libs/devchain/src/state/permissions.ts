import { addressFromKey, addressKey } from '../codec/address.js';
import { bytesOf, intOf, type Message, messageOf, messagesOf, textOf } from '../codec/protobuf.js';

export interface Permission {
  readonly id: number;
  readonly name: string;
  readonly threshold: bigint;
  /** 32-byte bit set of allowed contract types, hex; active permissions only. */
  readonly operations?: string;
  /** Address key → weight. */
  readonly keys: readonly { readonly key: string; readonly weight: bigint }[];
}
export interface Permissions {
  readonly owner: Permission;
  readonly actives: readonly Permission[];
}

/** Contract types an active permission allows unless told otherwise. */
export const DEFAULT_OPERATIONS = `7fff1fc0033ec30f${'0'.repeat(48)}`;
const KEYS_MAX = 5;
const ACTIVES_MAX = 8;
const NAME_BYTES_MAX = 32;

/** What an account has until it changes its permissions: its own key does everything. */
export function defaultPermissions(accountKey: string): Permissions {
  const keys = [{ key: accountKey, weight: 1n }];
  return {
    owner: { id: 0, name: 'owner', threshold: 1n, keys },
    actives: [{ id: 2, name: 'active', threshold: 1n, operations: DEFAULT_OPERATIONS, keys }],
  };
}

export type PermissionCheck =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string };
const refuse = (message: string): PermissionCheck => ({ ok: false, message });

function allows(permission: Permission, contractType: number): boolean {
  const operations = Buffer.from(permission.operations ?? '', 'hex');
  return (((operations[contractType >> 3] ?? 0) >> (contractType & 7)) & 1) === 1;
}

/**
 * Checks who signed against the permission a transaction names.
 * @param signers address keys recovered from the signatures, undefined where none could be
 */
export function checkSigners(
  permissions: Permissions,
  permissionId: number,
  contractType: number,
  signers: readonly (string | undefined)[],
): PermissionCheck {
  const permission =
    permissionId === 0
      ? permissions.owner
      : permissions.actives.find((active) => active.id === permissionId);
  if (permission === undefined) return refuse("permission isn't exit");
  if (permissionId !== 0 && !allows(permission, contractType)) return refuse('Permission denied');
  if (signers.length === 0) return refuse('miss sig or contract');
  if (signers.length > permission.keys.length) {
    return refuse(
      `Signature count is ${signers.length} more than key counts of permission : ${permission.keys.length}`,
    );
  }
  const seen = new Set<string>();
  let weight = 0n;
  for (const signer of signers) {
    if (signer === undefined) return refuse('Signature can not be recovered');
    const key = permission.keys.find((candidate) => candidate.key === signer);
    const text = addressFromKey(signer).toString('hex');
    if (key === undefined) return refuse(`${text} is not contained of permission.`);
    if (seen.has(signer)) return refuse(`${text} has signed twice!`);
    seen.add(signer);
    weight += key.weight;
  }
  return weight >= permission.threshold ? { ok: true } : refuse('sig error');
}

function readPermission(message: Message, id: number): Permission {
  const operations = bytesOf(message, 'operations');
  return {
    id,
    name: textOf(message, 'permission_name'),
    threshold: intOf(message, 'threshold'),
    ...(operations.length > 0 ? { operations: Buffer.from(operations).toString('hex') } : {}),
    keys: messagesOf(message, 'keys').map((key) => ({
      key: addressKey(bytesOf(key, 'address')),
      weight: intOf(key, 'weight'),
    })),
  };
}

function problemOf(permission: Permission, active: boolean): string | undefined {
  const { keys } = permission;
  if (keys.length === 0) return "key's count should be greater than 0";
  if (keys.length > KEYS_MAX)
    return `number of keys in permission should not be greater than ${KEYS_MAX}`;
  if (permission.threshold <= 0n) return 'permission threshold should be greater than 0';
  if (Buffer.byteLength(permission.name) > NAME_BYTES_MAX) return "permission's name is too long";
  if (new Set(keys.map(({ key }) => key)).size !== keys.length) {
    return 'address should be distinct in permission';
  }
  if (keys.some(({ weight }) => weight <= 0n)) return "key's weight should be greater than 0";
  const sum = keys.reduce((total, { weight }) => total + weight, 0n);
  if (sum < permission.threshold) {
    return "sum of all key's weight should not be less than threshold in permission";
  }
  if (active && permission.operations?.length !== 64) return 'operations size must 32';
  if (!active && permission.operations !== undefined) return "Owner permission needn't operations";
  return undefined;
}

/** Reads an AccountPermissionUpdateContract. @returns the permissions, or what is wrong with them */
export function readPermissions(update: Message): Permissions | string {
  const ownerMessage = messageOf(update, 'owner');
  if (ownerMessage === undefined) return 'owner permission is missed';
  if (messageOf(update, 'witness') !== undefined)
    return "account isn't witness can't set witness permission";
  const activeMessages = messagesOf(update, 'actives');
  if (activeMessages.length === 0) return 'active permission is missed';
  if (activeMessages.length > ACTIVES_MAX) return 'active permission is too many';
  const owner = readPermission(ownerMessage, 0);
  const actives = activeMessages.map((message, index) => readPermission(message, index + 2));
  const problem =
    problemOf(owner, false) ?? actives.map((active) => problemOf(active, true)).find(Boolean);
  return problem ?? { owner, actives };
}

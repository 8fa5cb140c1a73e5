import type { Faults } from '../chain/faults.js';
import type { ChainNode } from '../chain/node.js';
import { addressFromKey, addressKey } from '../codec/address.js';
import { type JsonObject, printJson, toBytes } from '../codec/json.js';
import type { ContractType } from '../codec/schema.js';
import {
  recoverSigner,
  type Transaction,
  transactionFromBytes,
  transactionFromJson,
  transactionToJson,
} from '../codec/transaction.js';
import { TransactionRefused } from '../execution/outcome.js';
import { accountOf } from '../state/accounts.js';
import { defaultPermissions } from '../state/permissions.js';
import { deploymentValue, draft } from './drafts.js';
import { printAddress, printText } from './print.js';
import { type ApiRequest, type Handler, type Handlers, textParam } from './request.js';

/** What takes transactions, and how it misbehaves. */
interface Broadcaster {
  readonly node: ChainNode;
  readonly faults: Faults;
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

async function trySubmit(
  { node, faults }: Broadcaster,
  transaction: Transaction,
): Promise<Refusal | undefined> {
  if (faults.take('lie-success') !== undefined) return undefined;
  const lie = faults.take('refuse');
  const refusal = lie && { code: lie.code, message: 'refused by a fault' };
  if (lie?.accept === false) return refusal;
  try {
    await node.submit(transaction);
    return refusal;
  } catch (error) {
    if (error instanceof TransactionRefused) return { code: error.code, message: error.message };
    throw error;
  }
}

async function broadcastJson(to: Broadcaster, request: ApiRequest): Promise<JsonObject> {
  const transaction = transactionFromJson(request.params);
  const refusal = await trySubmit(to, transaction);
  const txid = transaction.txId;
  if (refusal === undefined) return { result: true, txid };
  return { code: refusal.code, txid, message: printText(refusal.message, request.visible) };
}

async function broadcastHex(to: Broadcaster, request: ApiRequest): Promise<JsonObject> {
  const transaction = transactionFromBytes(
    toBytes(textParam(request, 'transaction'), 'transaction'),
  );
  const refusal = await trySubmit(to, transaction);
  return {
    result: refusal === undefined,
    code: refusal?.code ?? 'SUCCESS',
    message: refusal?.message ?? '',
    transaction: printJson(transactionToJson(transaction, true)),
    txid: transaction.txId,
  };
}

function signedBy(transaction: Transaction): Buffer[] {
  return transaction.signatures
    .map((signature) => recoverSigner(transaction.txId, signature))
    .filter((address) => address !== undefined);
}

function signWeight(node: ChainNode, request: ApiRequest): JsonObject {
  const transaction = transactionFromJson(request.params);
  const owner = addressKey(transaction.owner);
  const permissions = accountOf(node.ledger.world, owner)?.permissions ?? defaultPermissions(owner);
  const permission =
    transaction.permissionId === 0
      ? permissions.owner
      : permissions.actives.find(({ id }) => id === transaction.permissionId);
  const approved = signedBy(transaction);
  const weight = approved.reduce((sum, address) => {
    const key = permission?.keys.find((candidate) => candidate.key === addressKey(address));
    return sum + (key?.weight ?? 0n);
  }, 0n);
  const enough = permission !== undefined && weight >= permission.threshold;
  const code = enough ? 'ENOUGH_PERMISSION' : 'NOT_ENOUGH_PERMISSION';
  return {
    result:
      permission === undefined
        ? { code: 'PERMISSION_ERROR', message: "permission isn't exit" }
        : { code },
    ...(permission === undefined
      ? {}
      : {
          permission: {
            permission_name: permission.name,
            threshold: permission.threshold,
            keys: permission.keys.map(({ key, weight: share }) => ({
              address: printAddress(addressFromKey(key), request.visible),
              weight: share,
            })),
          },
        }),
    approved_list: approved.map((address) => printAddress(address, request.visible)),
    current_weight: weight,
    transaction: {
      result: { result: true },
      txid: transaction.txId,
      transaction: transactionToJson(transaction, request.visible),
    },
  };
}

/** Building and broadcasting transactions. */
export function transactionHandlers(node: ChainNode, faults: Faults): Handlers {
  const build =
    (type: ContractType): Handler =>
    async (request) => {
      const transaction = draft(node, request, type);
      await node.dryRun(transaction);
      return transactionToJson(transaction, request.visible);
    };
  return {
    createtransaction: build('TransferContract'),
    transferasset: build('TransferAssetContract'),
    createaccount: build('AccountCreateContract'),
    createassetissue: build('AssetIssueContract'),
    accountpermissionupdate: build('AccountPermissionUpdateContract'),
    freezebalancev2: build('FreezeBalanceV2Contract'),
    unfreezebalancev2: build('UnfreezeBalanceV2Contract'),
    deploycontract: (request) =>
      transactionToJson(
        draft(node, request, 'CreateSmartContract', deploymentValue(request.params)),
        request.visible,
      ),
    broadcasttransaction: (request) => broadcastJson({ node, faults }, request),
    broadcasthex: (request) => broadcastHex({ node, faults }, request),
    getsignweight: (request) => signWeight(node, request),
    getapprovedlist: (request) => {
      const transaction = transactionFromJson(request.params);
      const approved = signedBy(transaction);
      return {
        result: {},
        approved_list: approved.map((address) => printAddress(address, request.visible)),
        transaction: {
          result: { result: true },
          txid: transaction.txId,
          transaction: transactionToJson(transaction, request.visible),
        },
      };
    },
    getpendingsize: () => ({ pendingSize: node.pendingCount }),
    gettransactionlistfrompending: () => ({ txId: node.pendingTxIds }),
  };
}

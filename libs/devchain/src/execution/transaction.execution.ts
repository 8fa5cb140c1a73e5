import type { CallFault } from '../chain/faults.js';
import { addressKey, toBase58 } from '../codec/address.js';
import { bytesOf } from '../codec/protobuf.js';
import type { Transaction } from '../codec/transaction.js';
import type { BlockContext, Machine } from '../evm/machine.js';
import { params } from '../params.js';
import { accountOf, updateAccount } from '../state/accounts.js';
import type { Overlay } from '../state/world.js';
import { invalid, type Outcome, TransactionRefused } from './outcome.js';
import { chargeBandwidth } from './resources.js';
import { executeSystemContract } from './system-contracts.js';
import { executeVmContract } from './vm-contracts.js';

const poor = (): TransactionRefused =>
  new TransactionRefused('BANDWITH_ERROR', 'Account resource insufficient error.');

/** Account a transaction would bring into being, if any. */
function createdAccount(transaction: Transaction, overlay: Overlay): boolean {
  const field =
    transaction.type === 'AccountCreateContract'
      ? 'account_address'
      : transaction.type === 'TransferContract' || transaction.type === 'TransferAssetContract'
        ? 'to_address'
        : undefined;
  if (field === undefined) return false;
  const to = bytesOf(transaction.value, field);
  return to.length === 21 && accountOf(overlay, addressKey(to)) === undefined;
}

function chargeFixedFee(overlay: Overlay, key: string, feeSun: bigint, nowMs: number): bigint {
  updateAccount(overlay, key, nowMs, (account) => {
    if (account.balanceSun < feeSun) throw poor();
    return { balanceSun: account.balanceSun - feeSun };
  });
  return feeSun;
}

/**
 * Executes a transaction whose signatures, reference block and expiration have been checked.
 * The overlay holds its changes afterwards; when it throws, the caller must discard them.
 * @param fault what a contract call suffers
 * @throws TransactionRefused when the transaction may not be in a block at all
 */
export async function executeTransaction(
  transaction: Transaction,
  overlay: Overlay,
  block: BlockContext,
  machine: Machine,
  fault?: CallFault,
): Promise<Outcome> {
  const nowMs = block.timestampMs;
  if (transaction.owner.length !== 21) throw invalid('Invalid ownerAddress');
  const owner = addressKey(transaction.owner);
  const account = accountOf(overlay, owner);
  if (account === undefined) {
    throw invalid(`account [${toBase58(transaction.owner)}] does not exist`);
  }
  const bytes = transaction.sizeBytes + params.resultBytesPerContract;
  const net = chargeBandwidth(account, bytes, createdAccount(transaction, overlay), nowMs);
  if (net === undefined) throw poor();
  updateAccount(overlay, owner, nowMs, () => net.change);
  let feeSun = net.feeSun;
  if (transaction.signatures.length > 1) {
    feeSun += chargeFixedFee(overlay, owner, params.multiSignFeeSun, nowMs);
  }
  if (bytesOf(transaction.raw, 'data').length > 0) {
    feeSun += chargeFixedFee(overlay, owner, params.memoFeeSun, nowMs);
  }
  const base = { netUsage: net.usage, netFeeSun: net.feeSun };
  if (transaction.type === 'TriggerSmartContract' || transaction.type === 'CreateSmartContract') {
    const { result, ...vm } = await executeVmContract(transaction, overlay, block, machine, fault);
    return { ...base, result, feeSun: feeSun + vm.energyFeeSun, vm };
  }
  const done = executeSystemContract(transaction, overlay, nowMs);
  return {
    ...base,
    result: 'SUCCESS',
    feeSun: feeSun + done.feeSun,
    ...(done.assetIssueId === undefined ? {} : { assetIssueId: done.assetIssueId }),
  };
}

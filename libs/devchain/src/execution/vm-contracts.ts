import type { CallFault, ForcedResult } from '../chain/faults.js';
import { addressFromKey, addressKey } from '../codec/address.js';
import { keccak256 } from '../codec/hash.js';
import {
  bytesOf,
  decode,
  encode,
  intOf,
  type Message,
  messageOf,
  textOf,
} from '../codec/protobuf.js';
import { type ContractResult, smartContractSchema } from '../codec/schema.js';
import { deployedAddress, type Transaction } from '../codec/transaction.js';
import type { BlockContext, Call, CallResult, Machine } from '../evm/machine.js';
import { params } from '../params.js';
import { accountOf, addAsset, assetOf, newAccount, updateAccount } from '../state/accounts.js';
import { get, type Overlay } from '../state/world.js';
import { invalid, type Outcome } from './outcome.js';
import { type EnergyTerms, energyAllowance, energyLeft, splitEnergy, use } from './resources.js';

type VmOutcome = NonNullable<Outcome['vm']> & { readonly result: ContractResult };

const TOKEN_ID_MIN = 1_000_000n;
const NAME_BYTES_MAX = 32;

interface Plan {
  readonly contract: string;
  readonly origin: string;
  readonly metadata: Message;
  readonly code?: Uint8Array;
  readonly call: Omit<Call, 'energyLimit'>;
}

function planCreation(transaction: Transaction): Plan {
  const created = messageOf(transaction.value, 'new_contract');
  if (created === undefined) throw invalid('new_contract is missing');
  const caller = addressKey(transaction.owner);
  const percent = intOf(created, 'consume_user_resource_percent');
  if (addressKey(bytesOf(created, 'origin_address')) !== caller) {
    throw invalid('OwnerAddress is not equal OriginAddress');
  }
  if (Buffer.byteLength(textOf(created, 'name')) > NAME_BYTES_MAX) {
    throw invalid("contractName's length cannot be greater than 32");
  }
  if (percent < 0n || percent > 100n) throw invalid('percent must be >= 0 and <= 100');
  if (intOf(created, 'origin_energy_limit') <= 0n) {
    throw invalid('The originEnergyLimit must be > 0');
  }
  const contract = addressKey(deployedAddress(transaction));
  return {
    contract,
    origin: caller,
    metadata: created,
    call: {
      txId: Buffer.from(transaction.txId, 'hex'),
      caller,
      deployTo: contract,
      data: bytesOf(created, 'bytecode'),
      valueSun: intOf(created, 'call_value'),
      tokenValue: intOf(transaction.value, 'call_token_value'),
      tokenId: intOf(transaction.value, 'token_id'),
    },
  };
}

function planTrigger(transaction: Transaction, overlay: Overlay): Plan {
  const { value } = transaction;
  const address = bytesOf(value, 'contract_address');
  const contract = address.length === 21 ? addressKey(address) : '';
  const stored = get(overlay, 'contract', contract);
  if (stored === undefined) throw invalid('No contract or not a valid smart contract');
  const metadata = decode(smartContractSchema, stored);
  return {
    contract,
    origin: addressKey(bytesOf(metadata, 'origin_address')),
    metadata,
    call: {
      txId: Buffer.from(transaction.txId, 'hex'),
      caller: addressKey(transaction.owner),
      to: contract,
      data: bytesOf(value, 'data'),
      valueSun: intOf(value, 'call_value'),
      tokenValue: intOf(value, 'call_token_value'),
      tokenId: intOf(value, 'token_id'),
    },
  };
}

function checkValues(plan: Plan, overlay: Overlay): void {
  const { caller, valueSun, tokenValue, tokenId } = plan.call;
  if (valueSun < 0n) throw invalid('callValue must be >= 0');
  if (tokenValue < 0n || (tokenValue > 0n && tokenId <= TOKEN_ID_MIN)) {
    throw invalid(`invalid arguments with tokenValue = ${tokenValue}, tokenId = ${tokenId}`);
  }
  if ((accountOf(overlay, caller)?.balanceSun ?? 0n) < valueSun) {
    throw invalid('Validate InternalTransfer error, balance is not sufficient.');
  }
  if (tokenValue > 0n && assetOf(overlay, caller, tokenId.toString()) < tokenValue) {
    throw invalid('Validate InternalTransfer error, assetBalance is not sufficient.');
  }
}

function termsOf(plan: Plan, overlay: Overlay, nowMs: number): EnergyTerms {
  const origin = accountOf(overlay, plan.origin);
  const own = plan.origin === plan.call.caller || origin === undefined;
  return {
    callerPercent: own ? 100 : Number(intOf(plan.metadata, 'consume_user_resource_percent')),
    originLimit: Number(intOf(plan.metadata, 'origin_energy_limit')),
    originLeft: own ? 0 : energyLeft(origin, nowMs),
  };
}

async function runPlan(
  plan: Plan,
  energyLimit: number,
  overlay: Overlay,
  block: BlockContext,
  machine: Machine,
): Promise<CallResult> {
  const { call } = plan;
  overlay.checkpoint();
  if (call.tokenValue > 0n) {
    addAsset(overlay, call.caller, call.tokenId.toString(), -call.tokenValue);
    addAsset(overlay, plan.contract, call.tokenId.toString(), call.tokenValue);
  }
  const done = await machine.run(overlay, block, { ...call, energyLimit: BigInt(energyLimit) });
  if (done.result !== 'SUCCESS') {
    overlay.revert();
    return done;
  }
  overlay.commit();
  if (call.deployTo !== undefined) {
    const account = accountOf(overlay, plan.contract) ?? newAccount(block.timestampMs);
    overlay.set('account', plan.contract, { ...account, kind: 'contract' });
    overlay.set(
      'contract',
      plan.contract,
      encode(smartContractSchema, {
        ...plan.metadata,
        contract_address: addressFromKey(plan.contract),
        code_hash: keccak256(done.returned),
        trx_hash: call.txId,
      }),
    );
  }
  return done;
}

/** A revert costs what ran until then; the other ends burn the whole allowance. */
function forcedEnd(result: ForcedResult, energyLimit: number): CallResult {
  const energyUsed = result === 'REVERT' ? Math.min(1_000, energyLimit) : energyLimit;
  return {
    result,
    energyUsed,
    returned: new Uint8Array(),
    logs: [],
    internals: [],
    message: 'forced by a fault',
  };
}

function cut(feeLimitSun: bigint, fault: CallFault | undefined): bigint {
  if (fault?.kind !== 'cut-fee-limit') return feeLimitSun;
  const mostSun = BigInt(fault.feeLimitSun);
  return feeLimitSun < mostSun ? feeLimitSun : mostSun;
}

/** Creates or calls a contract and charges its energy. @throws TransactionRefused */
export async function executeVmContract(
  transaction: Transaction,
  overlay: Overlay,
  block: BlockContext,
  machine: Machine,
  fault?: CallFault,
): Promise<VmOutcome> {
  const nowMs = block.timestampMs;
  const feeLimitSun = intOf(transaction.raw, 'fee_limit');
  if (feeLimitSun < 0n || feeLimitSun > params.feeLimitMaxSun) {
    throw invalid(`feeLimit must be >= 0 and <= ${params.feeLimitMaxSun}`);
  }
  const plan =
    transaction.type === 'CreateSmartContract'
      ? planCreation(transaction)
      : planTrigger(transaction, overlay);
  checkValues(plan, overlay);
  const { caller, valueSun } = plan.call;
  const account = accountOf(overlay, caller) ?? newAccount(nowMs);
  const left = energyLeft(account, nowMs);
  const terms = termsOf(plan, overlay, nowMs);
  const energyLimit = energyAllowance(
    { left, balanceSun: account.balanceSun - valueSun },
    cut(feeLimitSun, fault),
    terms,
  );
  const done =
    fault?.kind === 'fail-call'
      ? forcedEnd(fault.result, energyLimit)
      : await runPlan(plan, energyLimit, overlay, block, machine);
  const split = splitEnergy(done.energyUsed, left, terms);
  updateAccount(overlay, caller, nowMs, (payer) => ({
    balanceSun: payer.balanceSun - split.feeSun,
    energy: use(payer.energy, split.caller, nowMs),
  }));
  if (split.origin > 0) {
    updateAccount(overlay, plan.origin, nowMs, (origin) => ({
      energy: use(origin.energy, split.origin, nowMs),
    }));
  }
  return {
    result: done.result,
    energyUsage: split.caller,
    originEnergyUsage: split.origin,
    energyTotal: done.energyUsed,
    energyFeeSun: split.feeSun,
    contract: plan.contract,
    returnHex: Buffer.from(done.returned).toString('hex'),
    logs: done.logs,
    internals: done.internals,
    message: done.message,
  };
}

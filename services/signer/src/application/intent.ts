import { hash } from 'node:crypto';
import { BASE_UNITS_PER_UNIT } from '#libs/domain';
import { type DecodedTransaction, readVaultCall, type VaultCall } from '#libs/tron';
import { type Intent, no, type Refusal, type SignerPlace } from '../domain/policy.js';

/** What a transaction does, or why it is nothing that is ever signed here. */
export function intentOf(transaction: DecodedTransaction, place: SignerPlace): Intent | Refusal {
  const { owner, call, expirationMs, feeLimitSun } = transaction;
  const common = { owner, expirationMs, feeLimitSun };
  switch (call.kind) {
    case 'trx':
      return no('UNKNOWN_CALL', 'a transfer of TRX');
    case 'trc10':
      if (call.tokenId !== place.trc10Id) return no('UNKNOWN_CALL', `the token ${call.tokenId}`);
      return {
        ...common,
        units: unitsUp(call.amountBaseUnits, BASE_UNITS_PER_UNIT.TRC10_BTTOLD),
        payees: [call.to],
        pays: true,
        subject: undefined,
        epoch: undefined,
      };
    case 'trigger': {
      if (call.contract !== place.vault) {
        return no('UNKNOWN_CALL', `the contract ${call.contract}`);
      }
      const vaultCall = readVaultCall(call.data);
      if (vaultCall === undefined) return no('UNKNOWN_CALL', 'a method of the vault');
      return { ...common, ...vaultIntent(vaultCall), subject: subjectOf(vaultCall, call.data) };
    }
  }
}

function vaultIntent(call: VaultCall): Pick<Intent, 'units' | 'payees' | 'pays' | 'epoch'> {
  switch (call.method) {
    case 'payBatch': {
      const total = call.payouts.reduce((sum, { amountBaseUnits }) => sum + amountBaseUnits, 0n);
      return {
        units: unitsUp(total, BASE_UNITS_PER_UNIT.TRC20_BTT),
        payees: call.payouts.map(({ to }) => to),
        pays: true,
        epoch: undefined,
      };
    }
    case 'commitClaims':
      return { units: call.totalUnits, payees: [], pays: true, epoch: undefined };
    case 'releaseClaims':
      return { units: 0n, payees: [], pays: false, epoch: undefined };
    case 'commitEpoch':
      return { units: 0n, payees: [], pays: false, epoch: call.epoch };
  }
}

// Batches and claims share the vault's ids; a release names the id of claims, so it has a key of its own.
function subjectOf(call: VaultCall, data: Uint8Array): Intent['subject'] {
  const contents = hash('sha256', data);
  switch (call.method) {
    case 'payBatch':
    case 'commitClaims':
      return { key: `batch ${call.batchId}`, contents };
    case 'releaseClaims':
      return { key: `release ${call.batchId}`, contents };
    case 'commitEpoch':
      return { key: `epoch ${call.epoch}`, contents };
  }
}

function unitsUp(baseUnits: bigint, perUnit: bigint): bigint {
  return (baseUnits + perUnit - 1n) / perUnit;
}

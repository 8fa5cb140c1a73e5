import type { ChainNode } from '../chain/node.js';
import { addressFromKey, parseAddress } from '../codec/address.js';
import type { JsonObject } from '../codec/json.js';
import { energyLimit, netLimit, usedNow } from '../execution/resources.js';
import { params } from '../params.js';
import { accountOf, assetOf, tokenIds } from '../state/accounts.js';
import { defaultPermissions, type Permission } from '../state/permissions.js';
import type { Account, StateReader } from '../state/world.js';
import { nonZero, printAddress } from './print.js';
import { type ApiRequest, addressKeyParam, type Handlers, textParam } from './request.js';

function printPermission(permission: Permission, visible: boolean): JsonObject {
  return {
    ...(permission.id === 0 ? {} : { type: 'Active', id: permission.id }),
    permission_name: permission.name,
    threshold: permission.threshold,
    ...(permission.operations === undefined ? {} : { operations: permission.operations }),
    keys: permission.keys.map(({ key, weight }) => ({
      address: printAddress(addressFromKey(key), visible),
      weight,
    })),
  };
}

function printAccount(
  key: string,
  account: Account,
  assets: readonly (readonly [string, bigint])[],
  visible: boolean,
): JsonObject {
  const { owner, actives } = account.permissions ?? defaultPermissions(key);
  const contract = account.kind === 'contract';
  return {
    address: printAddress(addressFromKey(key), visible),
    ...(contract ? { type: 'Contract' } : {}),
    ...nonZero({
      balance: account.balanceSun,
      create_time: account.createdAtMs,
      net_usage: account.net.amount,
      free_net_usage: account.freeNet.amount,
      latest_consume_free_time: account.freeNet.atMs,
    }),
    net_window_size: 28_800_000n,
    account_resource: {
      ...nonZero({
        energy_usage: account.energy.amount,
        latest_consume_time_for_energy: account.energy.atMs,
      }),
      energy_window_size: 28_800_000n,
    },
    ...(contract
      ? {}
      : {
          owner_permission: printPermission(owner, visible),
          active_permission: actives.map((active) => printPermission(active, visible)),
        }),
    frozenV2: [
      nonZero({ amount: account.frozenNetSun }),
      { type: 'ENERGY', ...nonZero({ amount: account.frozenEnergySun }) },
      { type: 'TRON_POWER' },
    ],
    ...(assets.length === 0 ? {} : { assetV2: assets.map(([id, value]) => ({ key: id, value })) }),
    asset_optimized: true,
  };
}

/** Reading accounts and what they may use. */
export function accountHandlers(node: ChainNode): Handlers {
  const { ledger } = node;
  const state = ({ solid }: ApiRequest): StateReader => (solid ? ledger.solidState : ledger.world);
  const assetsOf = (reader: StateReader, key: string) =>
    tokenIds(reader)
      .map((id) => [id, assetOf(reader, key, id)] as const)
      .filter(([, units]) => units > 0n);
  const netOf = (account: Account): JsonObject => ({
    ...nonZero({ freeNetUsed: usedNow(account.freeNet, node.now()) }),
    freeNetLimit: BigInt(params.freeNetDaily),
    ...nonZero({
      NetUsed: usedNow(account.net, node.now()),
      NetLimit: netLimit(account),
      TotalNetLimit: params.totalNetDaily,
      TotalNetWeight: params.othersStakedForNetTrx,
    }),
  });
  const withAccount =
    (answer: (account: Account, key: string, request: ApiRequest) => unknown) =>
    (request: ApiRequest): unknown => {
      const key = addressKeyParam(request, 'address');
      const account = accountOf(state(request), key);
      return account === undefined ? {} : answer(account, key, request);
    };
  return {
    getaccount: withAccount((account, key, request) =>
      printAccount(key, account, assetsOf(state(request), key), request.visible),
    ),
    getaccountnet: withAccount((account) => netOf(account)),
    getaccountresource: withAccount((account) => ({
      ...netOf(account),
      ...nonZero({
        EnergyUsed: usedNow(account.energy, node.now()),
        EnergyLimit: energyLimit(account),
        TotalEnergyLimit: params.totalEnergyDaily,
        TotalEnergyWeight: params.othersStakedForEnergyTrx,
      }),
    })),
    validateaddress: (request) => {
      try {
        const text = textParam(request, 'address');
        parseAddress(text);
        const form = text.startsWith('T') ? 'Base58check format' : 'Hex string format';
        return { result: true, message: form };
      } catch (error) {
        return { result: false, message: (error as Error).message };
      }
    },
  };
}

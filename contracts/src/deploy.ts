import { setTimeout as sleep } from 'node:timers/promises';
import { abiAddress, type ChainWallet, callData, readAddress, type TronChain } from '#libs/tron';
import { ARTIFACTS } from './artifacts.js';

/** BTT's supply on the main network, in base units of 18 decimals. */
export const BTT_SUPPLY_BASE_UNITS = 990_000_000_000_000n * 10n ** 18n;

const SOLID_TIMEOUT_MS = 120_000;

/** Constructor arguments, encoded as call data without a selector. */
export function encodeArguments(types: string, values: readonly unknown[]): Uint8Array {
  return callData(`constructor(${types})`, values).subarray(4);
}

/** Deploys the development token; its whole supply belongs to `deployer`. */
export function deployToken(deployer: ChainWallet): Promise<string> {
  return deployer.deploy(ARTIFACTS.BttToken, encodeArguments('uint256', [BTT_SUPPLY_BASE_UNITS]));
}

/** Deploys a vault for a token; `deployer` owns it, `operator` pays from it. */
export function deployVault(
  deployer: ChainWallet,
  token: string,
  operator: string,
): Promise<string> {
  return deployer.deploy(
    ARTIFACTS.Vault,
    encodeArguments('address,address', [abiAddress(token), abiAddress(operator)]),
  );
}

/** Token and operator of a vault, or undefined when there is no such contract (on the solid chain). */
export async function describeVault(
  chain: TronChain,
  vault: string,
): Promise<{ token: string; operator: string } | undefined> {
  const account = await chain.account(vault);
  if (account?.isContract !== true) return undefined;
  const read = async (name: string) => readAddress(await chain.view(vault, callData(`${name}()`)));
  return { token: await read('token'), operator: await read('operator') };
}

/** Waits until a vault is solidified: services read the solidified chain only. */
export async function waitForVault(chain: TronChain, vault: string): Promise<void> {
  const deadline = Date.now() + SOLID_TIMEOUT_MS;
  while ((await describeVault(chain, vault)) === undefined) {
    if (Date.now() > deadline) throw new Error(`the vault ${vault} does not solidify`);
    await sleep(200);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import {
  abiAddress,
  type ChainWallet,
  callData,
  readAddress,
  type TronChain,
  TronNodeError,
} from '#libs/tron';
import { ARTIFACTS } from './artifacts.js';

/** BTT's supply on the main network, in base units of 18 decimals. */
export const BTT_SUPPLY_BASE_UNITS = 990_000_000_000_000n * 10n ** 18n;

/** The patience of a vault, fixed when it is deployed. */
export type ExitTerms = {
  /** Seconds without an epoch after which anybody may open the exit. */
  readonly exitDelayS: bigint;
  /** Seconds that a payee has at least to show a higher voucher. */
  readonly challengeWindowS: bigint;
};

const DAY_S = 86_400n;
/** A week to notice that the operator is gone, three days to answer. */
export const EXIT_TERMS: ExitTerms = { exitDelayS: 7n * DAY_S, challengeWindowS: 3n * DAY_S };

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
  { exitDelayS, challengeWindowS }: ExitTerms = EXIT_TERMS,
): Promise<string> {
  return deployer.deploy(
    ARTIFACTS.Vault,
    encodeArguments('address,address,uint256,uint256', [
      abiAddress(token),
      abiAddress(operator),
      exitDelayS,
      challengeWindowS,
    ]),
  );
}

/** What a vault is set to. */
export type VaultDescription = {
  readonly token: string;
  readonly operator: string;
  /** False for a vault of an older version of this code, which lacks what settlement needs today. */
  readonly current: boolean;
};

/** What a vault is set to, or undefined when there is no such contract (on the solid chain). */
export async function describeVault(
  chain: TronChain,
  vault: string,
): Promise<VaultDescription | undefined> {
  const account = await chain.account(vault);
  if (account?.isContract !== true) return undefined;
  const read = async (name: string) => readAddress(await chain.view(vault, callData(`${name}()`)));
  return {
    token: await read('token'),
    operator: await read('operator'),
    current: await answers(chain, vault, 'status()'),
  };
}

async function answers(chain: TronChain, contract: string, view: string): Promise<boolean> {
  try {
    await chain.view(contract, callData(view));
    return true;
  } catch (error) {
    if (error instanceof TronNodeError && error.failure === 'refused') return false;
    throw error;
  }
}

/** Waits until a vault is solidified: services read the solidified chain only. */
export async function waitForVault(chain: TronChain, vault: string): Promise<void> {
  const deadline = Date.now() + SOLID_TIMEOUT_MS;
  while ((await describeVault(chain, vault)) === undefined) {
    if (Date.now() > deadline) throw new Error(`the vault ${vault} does not solidify`);
    await sleep(200);
  }
}

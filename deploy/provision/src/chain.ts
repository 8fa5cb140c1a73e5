import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** File names below the stack's folder. */
export const STACK_ENV_FILE = 'stack.env';
const NETWORK_FILE = 'network.json';

const NAMES = ['CHAIN_ID', 'VAULT_ADDRESS', 'TRC20_ADDRESS', 'TRC10_ID'] as const;
type ChainEnv = Readonly<Record<(typeof NAMES)[number], string>>;
type Env = Readonly<Record<string, string | undefined>>;

const network = z.object({
  chainId: z.string().regex(/^\d+$/),
  vaultAddress: z.string().startsWith('T'),
  trc20Address: z.string().startsWith('T'),
  trc10Id: z.string().regex(/^\d+$/),
});

/**
 * What the environment says of the chain: all four variables, or undefined when it names none.
 * Throws when it names some: a ledger that signs for one chain and pays on another must not start.
 */
export function givenChain(env: Env): ChainEnv | undefined {
  const missing = NAMES.filter((name) => (env[name] ?? '') === '');
  if (missing.length === NAMES.length) return undefined;
  if (missing.length > 0) {
    throw new Error(`set all of ${NAMES.join(', ')} or none; missing: ${missing.join(', ')}`);
  }
  return Object.fromEntries(NAMES.map((name) => [name, env[name] ?? ''])) as ChainEnv;
}

/** The variables of a chain that the contracts' provisioning described in its output file. */
export function chainOfNetwork(text: string): ChainEnv {
  const { chainId, vaultAddress, trc20Address, trc10Id } = network.parse(JSON.parse(text));
  return {
    CHAIN_ID: chainId,
    VAULT_ADDRESS: vaultAddress,
    TRC20_ADDRESS: trc20Address,
    TRC10_ID: trc10Id,
  };
}

/**
 * Writes `stack.env`, which the services load: from the environment, else from the contracts that are on the local
 * chain already or are deployed there now. The contracts' own provisioning decides whether they are there.
 */
export async function provisionChain(folder: string, env: Env): Promise<ChainEnv> {
  const given = givenChain(env);
  if (given === undefined) await deployContracts(folder, env.TRON_NODE_URL ?? '');
  const chain = given ?? chainOfNetwork(readFileSync(join(folder, NETWORK_FILE), 'utf8'));
  const path = join(folder, STACK_ENV_FILE);
  const text = Object.entries(chain).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(`${path}.new`, text.join(''), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return chain;
}

async function deployContracts(folder: string, nodeUrl: string): Promise<void> {
  if (nodeUrl === '') throw new Error('TRON_NODE_URL is not set: no chain to deploy contracts on');
  const key = join(folder, 'hot-wallet.key');
  if (!existsSync(key))
    throw new Error(`${key} is missing: run the role "provision secrets" first`);
  const script = fileURLToPath(new URL('../../../contracts/src/provision.js', import.meta.url));
  const out = join(folder, NETWORK_FILE);
  const args = ['--node', nodeUrl, '--out', out, '--hot-wallet-key-file', key];
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`deploying the contracts ended with exit code ${code}`);
}

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import {
  ChainWallet,
  isDevelopmentChain,
  KeySigner,
  TronNodeError,
  TronWebChain,
} from '#libs/tron';
import { deployToken, deployVault, describeVault, waitForVault } from './deploy.js';

/** What provisioning leaves behind for services and clients. */
export type Provision = {
  /** Decimal; last four bytes of the genesis block's id. */
  readonly chainId: string;
  readonly vaultAddress: string;
  readonly trc20Address: string;
  readonly trc10Id: string;
  readonly hotWalletAddress: string;
  readonly nodeUrl: string;
};

const provisionSchema = z.object({
  chainId: z.string(),
  vaultAddress: z.string(),
  trc20Address: z.string(),
  trc10Id: z.string(),
  hotWalletAddress: z.string(),
  nodeUrl: z.string(),
});

/** BTTOLD's id; the development chain has it from its first block on. */
const TRC10_ID = '1002000';
const HOT_WALLET_SUN = 1_000_000_000_000n;
const HOT_WALLET_LOW_SUN = 100_000_000_000n;
const NODE_TIMEOUT_MS = 10_000;

/** The development faucet's key, hex: worthless by design, since everybody can derive it. */
export function faucetKey(): string {
  return createHash('sha256').update('swarmledger devchain faucet').digest('hex');
}

/**
 * Makes a local chain ready: TRX for the hot wallet, token and vault deployed, the hot wallet the
 * vault's operator. What an earlier run left (`known`) is kept when it still stands.
 * Throws when the chain is not a development chain or does not answer.
 */
export async function provision(
  nodeUrl: string,
  hotWalletKey: string,
  known: Provision | undefined,
): Promise<Provision> {
  const node = { url: nodeUrl, timeoutMs: NODE_TIMEOUT_MS };
  if (!(await isDevelopmentChain(node))) {
    // The deploying key is known to everybody: elsewhere, whatever it gets is gone.
    throw new TronNodeError(
      'refused',
      'this is not a local development chain: nothing is deployed',
    );
  }
  const chain = new TronWebChain(node);
  const chainId = (await chain.chainId()).toString();
  const hotWalletAddress = new KeySigner(hotWalletKey).address;
  const faucet = new ChainWallet(node, faucetKey());
  const wallet = await chain.account(hotWalletAddress);
  if ((wallet?.trxSun ?? 0n) < HOT_WALLET_LOW_SUN) {
    await faucet.sendTrx(hotWalletAddress, HOT_WALLET_SUN);
  }
  if (known?.chainId === chainId && known.hotWalletAddress === hotWalletAddress) {
    const vault = await describeVault(chain, known.vaultAddress);
    if (vault?.token === known.trc20Address && vault.operator === hotWalletAddress) {
      if (!vault.current) {
        // Another vault would leave behind what the books say this one holds.
        throw new TronNodeError(
          'refused',
          `the vault ${known.vaultAddress} is of an older version: start with an empty chain and empty books (npm run reset)`,
        );
      }
      return { ...known, nodeUrl };
    }
  }
  const trc20Address = await deployToken(faucet);
  const vaultAddress = await deployVault(faucet, trc20Address, hotWalletAddress);
  await waitForVault(chain, vaultAddress);
  return { chainId, vaultAddress, trc20Address, trc10Id: TRC10_ID, hotWalletAddress, nodeUrl };
}

/** The private key in a file, made with 32 random bytes when there is none yet. */
function hotWalletKey(path: string): string {
  if (!existsSync(path)) {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  }
  return readFileSync(path, 'utf8').trim();
}

function readKnown(path: string): Provision | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return provisionSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // A file that a crash cut short says nothing; what it described is deployed afresh.
    return undefined;
  }
}

const USAGE = `usage: node provision.js --node URL --out FILE [--hot-wallet-key-file FILE]
Deploys token and vault on a local TRON chain and writes their addresses to FILE; safe to repeat.
Without a key file, the hot wallet's key is kept in hot-wallet.key beside FILE.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      node: { type: 'string' },
      out: { type: 'string' },
      'hot-wallet-key-file': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const { node, out } = values;
  if (values.help === true || node === undefined || out === undefined) {
    process.stderr.write(USAGE);
    return values.help === true ? 0 : 2;
  }
  const keyFile = values['hot-wallet-key-file'] ?? join(dirname(out), 'hot-wallet.key');
  const known = readKnown(out);
  const done = await provision(node, hotWalletKey(keyFile), known);
  const text = `${JSON.stringify(done, undefined, 2)}\n`;
  if (known !== undefined && JSON.stringify(known) === JSON.stringify(done)) {
    process.stdout.write(`nothing to do: ${out} is current\n`);
    return 0;
  }
  writeFileSync(`${out}.new`, text);
  renameSync(`${out}.new`, out);
  process.stdout.write(`vault ${done.vaultAddress}, token ${done.trc20Address}: see ${out}\n`);
  return 0;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(
      `provisioning failed: ${error instanceof Error ? error.message : error}\n`,
    );
    process.exitCode = 1;
  }
}

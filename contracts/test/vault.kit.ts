import { setTimeout as sleep } from 'node:timers/promises';
import { utils } from 'tronweb';
import { keyPairOf, sign } from '#libs/crypto';
import { type Devchain, startDevchain } from '#libs/devchain';
import { addressBytes, Digests, fromHex, leafBytes, type SumLeaf, toHex } from '#libs/domain';
import { abiAddress, ChainWallet, callData, type Deployable } from '#libs/tron';
import { ARTIFACTS } from '../src/artifacts.js';
import { compileFile } from '../src/compiler.js';
import { deployToken, deployVault, EXIT_TERMS, encodeArguments } from '../src/deploy.js';
import { faucetKey } from '../src/provision.js';

/** Base units of a unit of the ledger. */
export const UNIT = 10n ** 15n;
export const DAY_S = 86_400;
const TRX = 1_000_000n;

/** What the chain made of a call. */
export type Outcome = {
  readonly result: string;
  /** Name of the custom error, `Error(…)` with its text, `Panic`, or empty. */
  readonly error: string;
  readonly energy: bigint;
  /** Bytes of the call data. */
  readonly bytes: number;
  /** The vault's own events in order, with their values. */
  readonly events: readonly { readonly name: string; readonly values: readonly unknown[] }[];
};

const vaultInterface = new utils.ethersUtils.Interface(ARTIFACTS.Vault.abi as never);

/** Hex of bytes as an ABI value. */
export const hex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;
/** 32 bytes that differ by name. */
export const id32 = (name: string): Uint8Array => fromHex(utils.ethersUtils.id(name));
/** The key of a person, by number; and the address of it. */
export const keyOf = (number: number) =>
  keyPairOf(fromHex((0x5_0000 + number).toString(16).padStart(64, '0')));
export const person = (number: number): string => keyOf(number).address;
/** An address without prefix, as events give it. */
export const plain = (address: string): string => `0x${toHex(addressBytes(address))}`;

/** A local chain whose blocks and time the test makes, a token, and people who send calls. */
export class VaultBench {
  private constructor(
    readonly devchain: Devchain,
    readonly faucet: ChainWallet,
    readonly operator: ChainWallet,
    readonly stranger: ChainWallet,
    readonly token: string,
    private readonly hostile: ReadonlyMap<string, Deployable>,
  ) {}

  static async start(): Promise<VaultBench> {
    const devchain = await startDevchain({ producing: false, solidLagBlocks: 1 });
    const node = { url: devchain.url, timeoutMs: 10_000 };
    const faucet = new ChainWallet(node, faucetKey());
    const operator = new ChainWallet(node, '0a'.repeat(32));
    const stranger = new ChainWallet(node, '0b'.repeat(32));
    for (const { address } of [operator, stranger]) {
      await mined(devchain, faucet.sendTrx(address, 1_000_000n * TRX));
    }
    const token = await mined(devchain, deployToken(faucet));
    const hostile = compileFile(`${import.meta.dirname}/HostileTokens.sol`);
    return new VaultBench(devchain, faucet, operator, stranger, token, hostile);
  }

  stop(): Promise<void> {
    return this.devchain.stop();
  }

  /** A person with TRX, who can send calls. */
  async wallet(number: number): Promise<ChainWallet> {
    const node = { url: this.devchain.url, timeoutMs: 10_000 };
    const wallet = new ChainWallet(node, toHex(keyOf(number).privateKey));
    await this.mined(this.faucet.sendTrx(wallet.address, 10_000n * TRX));
    return wallet;
  }

  /** Deploys one of test/HostileTokens.sol; `supply` where its constructor takes one. */
  deployHostile(name: string, supply?: bigint): Promise<string> {
    const contract = this.hostile.get(name);
    if (contract === undefined) throw new Error(`no hostile contract ${name}`);
    const none = new Uint8Array();
    const values = supply === undefined ? none : encodeArguments('uint256', [supply]);
    return this.mined(this.faucet.deploy(contract, values));
  }

  /** A vault over `token` with so many units in it, owned by the faucet. */
  async vault(units = 0n, token = this.token): Promise<string> {
    const vault = await this.mined(deployVault(this.faucet, token, this.operator.address));
    await this.fill(vault, units, token);
    return vault;
  }

  /** Sends units of a token from the faucet. */
  async fill(to: string, units: bigint, token = this.token): Promise<void> {
    if (units > 0n) await this.mined(this.faucet.sendTrc20(token, to, units * UNIT));
  }

  /** Waits for what waits for a block. */
  mined<T>(work: Promise<T>): Promise<T> {
    return mined(this.devchain, work);
  }

  /** Calls a contract and tells what came of it. */
  async call(
    from: ChainWallet,
    contract: string,
    signature: string,
    values: readonly unknown[] = [],
    feeLimitSun = 10_000n * TRX,
  ): Promise<Outcome> {
    const data = callData(signature, values);
    return this.send(from, contract, data, feeLimitSun);
  }

  async send(
    from: ChainWallet,
    contract: string,
    data: Uint8Array,
    feeLimitSun = 10_000n * TRX,
  ): Promise<Outcome> {
    const txid = await from.submit({ kind: 'trigger', contract, data }, feeLimitSun);
    await this.devchain.mine();
    const info = await this.#ask('gettransactioninfobyid', { value: txid });
    const logs = (info.log ?? []) as { address: string; topics: string[]; data?: string }[];
    const result = info.receipt.result as string;
    return {
      result,
      error: result === 'SUCCESS' ? '' : errorOf(info.contractResult[0]),
      energy: BigInt(info.receipt.energy_usage_total ?? 0),
      bytes: data.length,
      events: logs
        .filter(({ address }) => address === toHex(addressBytes(contract)))
        .map(({ topics, data: body = '' }) => {
          const log = { topics: topics.map((topic) => `0x${topic}`), data: `0x${body}` };
          const parsed = vaultInterface.parseLog(log);
          return { name: parsed?.name ?? '', values: [...(parsed?.args ?? [])] };
        }),
    };
  }

  /** Reads a view; answers the words as they are named in the ABI. Throws the name of the error when it reverts. */
  async view(contract: string, name: string, values: readonly unknown[] = []): Promise<unknown[]> {
    const address = `41${toHex(addressBytes(contract))}`;
    const answer = await this.#ask('triggerconstantcontract', {
      owner_address: address,
      contract_address: address,
      data: vaultInterface.encodeFunctionData(name, [...values]).slice(2),
    });
    const body = `0x${answer.constant_result?.[0] ?? ''}`;
    if (answer.result.message !== undefined) throw new Error(errorOf(body.slice(2)));
    return [...vaultInterface.decodeFunctionResult(name, body)];
  }

  /** Base units that somebody holds. */
  async balance(holder: string, token = this.token): Promise<bigint> {
    const address = `41${toHex(addressBytes(token))}`;
    const answer = await this.#ask('triggerconstantcontract', {
      owner_address: address,
      contract_address: address,
      data: toHex(callData('balanceOf(address)', [abiAddress(holder)])),
    });
    return BigInt(`0x${answer.constant_result[0]}`);
  }

  /** Time of the last block, seconds. */
  get nowS(): number {
    return Math.floor(this.devchain.headTimestampMs / 1000);
  }

  /** Lets time pass on the chain. */
  async pass(seconds: number): Promise<void> {
    await this.devchain.mine(1, this.devchain.headTimestampMs + seconds * 1000);
    await this.devchain.mine();
  }

  /** Commits an epoch as the operator. */
  commit(vault: string, epoch: bigint, root: { root: Uint8Array; totalUnits: bigint }) {
    const values = [epoch, hex(root.root), root.totalUnits];
    return this.call(this.operator, vault, 'commitEpoch(uint64,bytes32,uint64)', values);
  }

  /** Waits out the operator and opens the exit. */
  async open(vault: string): Promise<void> {
    await this.pass(Number(EXIT_TERMS.exitDelayS) + 60);
    await this.call(this.stranger, vault, 'openExit()');
  }

  /** What the payer of a channel signs, as `redeemVoucher` takes it after leaf and proof. */
  voucher(
    vault: string,
    claim: {
      channelId: Uint8Array;
      payee: string;
      cumulativeUnits: bigint;
      validUntilMs: bigint;
    },
    signer: Uint8Array,
  ): readonly unknown[] {
    const digests = new Digests({ chainId: BigInt(this.devchain.chainId), vaultAddress: vault });
    const signature = sign(digests.voucher(claim), signer);
    return [
      claim.cumulativeUnits,
      claim.validUntilMs,
      hex(signature.subarray(0, 32)),
      hex(signature.subarray(32)),
    ];
  }

  // biome-ignore lint/suspicious/noExplicitAny: the node's answers are read as the tests need them.
  async #ask(path: string, body: unknown): Promise<any> {
    const response = await fetch(`${this.devchain.url}/wallet/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return response.json();
  }
}

async function mined<T>(devchain: Devchain, work: Promise<T>): Promise<T> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  // Whoever made the promise handles its failure; here it only ends the loop.
  settled.catch(() => undefined);
  while (!done) {
    await devchain.mine();
    await sleep(20);
  }
  return settled;
}

/** Leaf and proof as ABI values. */
export function proven(
  tree: { prove(leaf: SumLeaf): Uint8Array },
  leaf: SumLeaf,
): [string, string] {
  return [hex(leafBytes(leaf)), hex(tree.prove(leaf))];
}

function errorOf(returned: string): string {
  if (returned === '') return '';
  if (returned.startsWith('4e487b71')) return 'Panic';
  return vaultInterface.parseError(`0x${returned}`)?.name ?? `0x${returned.slice(0, 8)}`;
}

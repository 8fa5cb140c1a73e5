import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '#libs/devchain';
import {
  abiAddress,
  ChainWallet,
  callData,
  type Deployable,
  KeySigner,
  payBatchData,
  readBatchPaid,
  readUint,
  TronWebChain,
} from '#libs/tron';
import { staleArtifacts } from './compile.js';
import { compileFile } from './compiler.js';
import { deployToken, deployVault, encodeArguments } from './deploy.js';
import { faucetKey, provision } from './provision.js';

const OPERATOR_KEY = '0a'.repeat(32);
const STRANGER_KEY = '0b'.repeat(32);
const BTT = 10n ** 18n;
let devchain: Devchain;
let chain: TronWebChain;
let faucet: ChainWallet;
let operator: ChainWallet;
let stranger: ChainWallet;
let token: string;
let vault: string;
let hostile: Map<string, Deployable>;

const batchId = (name: string) => Buffer.alloc(32, name);
const payee = (number: number) => new KeySigner(number.toString(16).padStart(64, '0')).address;
const payouts = (count: number, amountBaseUnits = BTT, first = 1_000) =>
  Array.from({ length: count }, (_, at) => ({ to: payee(first + at), amountBaseUnits }));
const settle = async () => {
  const { headNumber } = devchain;
  while (devchain.solidNumber < headNumber) await devchain.mine();
};
const tokenBalance = async (contract: string, holder: string) => {
  await settle();
  return readUint(await chain.view(contract, callData('balanceOf(address)', [abiAddress(holder)])));
};
const outcome = async (txid: string) => {
  while (!(await chain.isSolidified(txid))) await devchain.mine();
  for (let number = devchain.solidNumber; number > 0; number--) {
    const block = await chain.solidBlock(BigInt(number));
    const found = block?.transactions.find((transaction) => transaction.txid === txid);
    if (found !== undefined) return found;
  }
  throw new Error(`${txid} is in no block`);
};
/** Sends payBatch and returns what the chain made of it. */
const pay = async (from: ChainWallet, at: string, data: Uint8Array) =>
  outcome(await from.submit({ kind: 'trigger', contract: at, data }, 3_000_000_000n));

beforeAll(async () => {
  devchain = await startDevchain({ blockIntervalMs: 20, solidLagBlocks: 2 });
  const node = { url: devchain.url, timeoutMs: 5_000 };
  chain = new TronWebChain(node);
  faucet = new ChainWallet(node, faucetKey());
  operator = new ChainWallet(node, OPERATOR_KEY);
  stranger = new ChainWallet(node, STRANGER_KEY);
  await faucet.sendTrx(operator.address, 100_000_000_000n);
  await faucet.sendTrx(stranger.address, 100_000_000_000n);
  token = await deployToken(faucet);
  vault = await deployVault(faucet, token, operator.address);
  await faucet.sendTrc20(token, vault, 1_000_000n * BTT);
  hostile = compileFile(`${import.meta.dirname}/../test/HostileTokens.sol`);
});
afterAll(() => devchain.stop());

describe('artefacts', () => {
  it('are what the sources compile to', () => {
    expect(staleArtifacts()).toEqual([]);
  });
});

describe('Vault.payBatch', () => {
  it('pays everybody once and refuses the same batch id for ever', async () => {
    const data = payBatchData(batchId('first'), payouts(3));
    const paid = await pay(operator, vault, data);
    expect(paid.succeeded).toBe(true);
    expect(paid.logs.map(readBatchPaid)).toContain(batchId('first').toString('hex'));
    expect(await tokenBalance(token, payee(1_000))).toBe(BTT);
    const again = await pay(operator, vault, data);
    expect(again.result).toBe('REVERT');
    expect(await tokenBalance(token, payee(1_000))).toBe(BTT);
    const executedIn = await chain.view(
      vault,
      callData('executedIn(bytes32)', [`0x${batchId('first').toString('hex')}`]),
    );
    expect(readUint(executedIn)).toBeGreaterThan(0n);
  });

  it.each([
    ['not the operator', () => stranger, batchId('stranger'), () => payouts(1, BTT, 2_000)],
    ['the zero batch id', () => operator, Buffer.alloc(32), () => payouts(1, BTT, 2_000)],
    ['nobody to pay', () => operator, batchId('nobody'), () => payouts(0)],
    ['too many to pay', () => operator, batchId('many'), () => payouts(201, 1n, 2_000)],
    ['an amount of zero', () => operator, batchId('zero'), () => payouts(1, 0n, 2_000)],
    ['more than it holds', () => operator, batchId('more'), () => payouts(1, BTT ** 2n, 2_000)],
    [
      'itself as recipient',
      () => operator,
      batchId('itself'),
      () => [...payouts(1, BTT, 2_000), { to: vault, amountBaseUnits: 1n }],
    ],
  ])('refuses %s and pays nobody', async (_name, from, id, list) => {
    const refused = await pay(from(), vault, payBatchData(id, list()));
    expect(refused.result).toBe('REVERT');
    expect(refused.logs).toEqual([]);
    expect(await tokenBalance(token, payee(2_000))).toBe(0n);
  });

  it('refuses lists of different lengths', async () => {
    const data = callData('payBatch(bytes32,address[],uint256[])', [
      `0x${batchId('lengths').toString('hex')}`,
      [abiAddress(payee(1))],
      [1n, 2n],
    ]);
    expect((await pay(operator, vault, data)).result).toBe('REVERT');
  });

  it('costs less energy per recipient the larger the batch', async () => {
    const perRecipient: bigint[] = [];
    for (const [at, size] of [1, 10, 50, 200].entries()) {
      const first = 10_000 * (at + 1);
      const id = batchId(`size ${size}`);
      const paid = await pay(operator, vault, payBatchData(id, payouts(size, 1n, first)));
      expect(paid.succeeded).toBe(true);
      perRecipient.push(paid.energyUsed / BigInt(size));
    }
    expect(perRecipient).toEqual([...perRecipient].sort((a, b) => Number(b - a)));
    expect(perRecipient.at(-1)).toBeLessThan(30_000n);
    const call = callData('transfer(address,uint256)', [abiAddress(payee(9_999)), 1n]);
    const single = await pay(faucet, token, call);
    const sizes = perRecipient.join(' ');
    process.stdout.write(
      `energy per recipient, 1/10/50/200: ${sizes}; a plain transfer: ${single.energyUsed}\n`,
    );
  });
});

describe('Vault against hostile tokens', () => {
  const withToken = async (name: string, supply?: bigint) => {
    const contract = hostile.get(name) as Deployable;
    const parameters =
      supply === undefined ? Buffer.alloc(0) : encodeArguments('uint256', [supply]);
    const bad = await faucet.deploy(contract, parameters);
    return { bad, at: await deployVault(faucet, bad, operator.address) };
  };

  it('reverts when the token says false', async () => {
    const { at } = await withToken('FalseToken');
    const refused = await pay(operator, at, payBatchData(batchId('false'), payouts(1)));
    expect(refused.result).toBe('REVERT');
  });

  it('reverts when the token is no contract', async () => {
    const at = await deployVault(faucet, payee(77), operator.address);
    const refused = await pay(operator, at, payBatchData(batchId('empty'), payouts(1)));
    expect(refused.succeeded).toBe(false);
  });

  it('reverts when the token takes more than it was told', async () => {
    const { bad, at } = await withToken('GreedyToken', 1_000n);
    await faucet.sendTrc20(bad, at, 500n);
    const refused = await pay(operator, at, payBatchData(batchId('greedy'), payouts(1, 10n)));
    expect(refused.result).toBe('REVERT');
    expect(await tokenBalance(bad, at)).toBe(500n);
  });

  it('works with a token that returns nothing', async () => {
    const { bad, at } = await withToken('SilentToken', 1_000n);
    await faucet.sendTrc20(bad, at, 500n);
    const paid = await pay(operator, at, payBatchData(batchId('silent'), payouts(2, 10n)));
    expect(paid.succeeded).toBe(true);
    expect(await tokenBalance(bad, at)).toBe(480n);
  });

  it('cannot be entered again by the token it pays with', async () => {
    const { bad, at } = await withToken('ReentrantToken', 1_000n);
    await faucet.sendTrc20(bad, at, 500n);
    await faucet.trigger(at, callData('setOperator(address)', [abiAddress(bad)]));
    const attack = callData('attack(address,bytes32,address)', [
      abiAddress(at),
      `0x${batchId('reentrant').toString('hex')}`,
      abiAddress(payee(5)),
    ]);
    expect((await pay(faucet, bad, attack)).result).toBe('REVERT');
    expect(await tokenBalance(bad, at)).toBe(500n);
  });
});

describe('Vault roles', () => {
  it('lets only the owner choose the operator, and ownership needs two steps', async () => {
    const own = await deployVault(faucet, token, operator.address);
    const setOperator = callData('setOperator(address)', [abiAddress(stranger.address)]);
    const take = callData('takeOwnership()');
    expect((await pay(stranger, own, setOperator)).result).toBe('REVERT');
    expect((await pay(stranger, own, take)).result).toBe('REVERT');
    const offer = callData('offerOwnership(address)', [abiAddress(stranger.address)]);
    expect((await pay(faucet, own, offer)).succeeded).toBe(true);
    expect((await pay(stranger, own, setOperator)).result).toBe('REVERT');
    expect((await pay(stranger, own, take)).succeeded).toBe(true);
    expect((await pay(stranger, own, setOperator)).succeeded).toBe(true);
    expect((await pay(faucet, own, setOperator)).result).toBe('REVERT');
  });
});

describe('provision', () => {
  it('deploys once, keeps what stands, and starts afresh when the wallet is another', async () => {
    const first = await provision(devchain.url, OPERATOR_KEY, undefined);
    expect(first).toMatchObject({
      chainId: String(devchain.chainId),
      hotWalletAddress: operator.address,
      trc10Id: '1002000',
      nodeUrl: devchain.url,
    });
    expect(await provision(devchain.url, OPERATOR_KEY, first)).toEqual(first);
    const other = await provision(devchain.url, STRANGER_KEY, first);
    expect(other.vaultAddress).not.toBe(first.vaultAddress);
  });

  it('says who does not answer', async () => {
    await expect(provision('http://127.0.0.1:9', OPERATOR_KEY, undefined)).rejects.toThrow(
      'cannot be reached',
    );
  });

  it('refuses a chain that is not ours', async () => {
    const { createServer } = await import('node:http');
    const foreign = createServer((_request, response) => {
      response.end(
        JSON.stringify({ block_header: { raw_data: { witness_address: '41'.padEnd(42, '1') } } }),
      );
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const { port } = foreign.address() as { port: number };
    await expect(provision(`http://127.0.0.1:${port}`, OPERATOR_KEY, undefined)).rejects.toThrow(
      'not a local development chain',
    );
    foreign.close();
  });
});

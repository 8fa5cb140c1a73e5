import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDevchain } from '../src/index.js';
import { clientOf, compileProbe, deployProbe, fundedAccount, newAccount } from './fixture.js';

const root = path.resolve(import.meta.dirname, '../../..');
const outDir = path.join(root, 'dist', 'devchain-restart-test');
const main = path.join(outDir, 'libs/devchain/src/main.js');
let dataDir: string;

beforeAll(() => {
  // The process is built from the sources under test, wherever the last build left off.
  fs.mkdirSync(outDir, { recursive: true });
  const project = path.join(outDir, 'tsconfig.json');
  const compilerOptions = { rootDir: root, outDir, incremental: false, sourceMap: false };
  const files = [path.join(root, 'libs/devchain/src/main.ts')];
  fs.writeFileSync(
    project,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions,
      files,
      include: [],
    }),
  );
  execFileSync(path.join(root, 'node_modules/.bin/tsc'), [
    '-p',
    project,
    '--tsBuildInfoFile',
    'null',
  ]);
});
afterAll(() => fs.rmSync(outDir, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'devchain-'));
});
afterEach(() => fs.rmSync(dataDir, { recursive: true, force: true }));

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function launch(env: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PORT: '0', DATA_DIR: dataDir, BLOCK_INTERVAL_MS: '50', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data.toString();
      const ready = /"url":"([^"]+)"/.exec(output);
      if (ready?.[1] !== undefined) resolve(ready[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((code) => reject(new Error(`exit ${code}: ${output}`)));
  });
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return { child, url, end };
}

interface Answer {
  readonly headNumber: number;
  readonly headId: string;
  readonly solidNumber: number;
  readonly pending: number;
  readonly balance: number;
  readonly blockID: string;
}
const get = async (url: string): Promise<Answer> => (await (await fetch(url)).json()) as Answer;

describe('the chain process', () => {
  it('continues the same chain after kill -9', async () => {
    const first = await launch();
    const payee = '41a614f803b6fd780986a42c78ec9c7f77e6ded13c';
    const body = JSON.stringify({ address: payee, trxSun: 5_000_000, trc10Units: 9 });
    for (let round = 0; round < 5; round++)
      await fetch(`${first.url}/dev/fund`, { method: 'POST', body });
    let head = await get(`${first.url}/dev/time`);
    while (head.pending > 0) head = await get(`${first.url}/dev/time`);
    const account = await get(`${first.url}/wallet/getaccount?address=${payee}`);
    const receipts = await get(
      `${first.url}/wallet/gettransactioninfobyblocknum?num=${head.headNumber}`,
    );
    await first.end('SIGKILL');

    const second = await launch();
    const block = await get(`${second.url}/wallet/getblockbynum?num=${head.headNumber}`);
    expect(block.blockID).toBe(head.headId);
    expect(await get(`${second.url}/wallet/getaccount?address=${payee}`)).toEqual(account);
    expect(account.balance).toBe(25_000_000);
    expect(
      await get(`${second.url}/wallet/gettransactioninfobyblocknum?num=${head.headNumber}`),
    ).toEqual(receipts);
    const now = await get(`${second.url}/dev/time`);
    expect(now.headNumber).toBeGreaterThan(head.headNumber);
    expect(now.solidNumber).toBeGreaterThanOrEqual(head.solidNumber);
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it('explains itself and refuses bad settings', async () => {
    expect(execFileSync(process.execPath, [main, '--help']).toString()).toContain('DATA_DIR');
    await expect(launch({ PORT: 'x', SOLID_LAG_BLOCKS: '-1' })).rejects.toThrow(
      /PORT must be an integer.*\nSOLID_LAG_BLOCKS must be/,
    );
    const running = await launch();
    await expect(launch()).rejects.toThrow('in use by process');
    await running.end('SIGTERM');
    await expect(launch({ CHAIN_NETWORK: 'other' })).rejects.toThrow('network local');
  });
});

describe('the data folder', () => {
  const settings = { producing: false, solidLagBlocks: 5 };

  it('keeps contracts, forks and the solidified head', async () => {
    const artifact = compileProbe();
    let chain = await startDevchain({ ...settings, dataDir });
    const user = await fundedAccount(chain);
    const address = await deployProbe(chain, user.tronWeb, artifact);
    const payee = newAccount(chain);
    const { transactionBuilder, trx } = user.tronWeb;
    const { transaction } = await transactionBuilder.triggerSmartContract(
      address,
      'transfer(address,uint256)',
      {},
      [
        { type: 'address', value: payee.address },
        { type: 'uint256', value: 123 },
      ],
    );
    await trx.sendRawTransaction(await trx.sign(transaction));
    await chain.mine(10);
    const [undone = ''] = await chain.fund(payee.address, 50n);
    await chain.mine(2);
    await chain.fork(2, 'drop');
    const { headNumber, solidNumber } = chain;
    const head = await clientOf(chain).trx.getCurrentBlock();
    const info = await trx.getUnconfirmedTransactionInfo(transaction.txID);
    await chain.stop();

    chain = await startDevchain({ ...settings, dataDir });
    expect([chain.headNumber, chain.solidNumber]).toEqual([headNumber, solidNumber]);
    const client = clientOf(chain);
    expect(await client.trx.getCurrentBlock()).toEqual(head);
    expect(await client.trx.getUnconfirmedTransactionInfo(transaction.txID)).toEqual(info);
    expect(await client.trx.getUnconfirmedTransactionInfo(undone)).toEqual({});
    const balance = await client.transactionBuilder.triggerConstantContract(
      address,
      'balanceOf(address)',
      {},
      [{ type: 'address', value: payee.address }],
    );
    expect(BigInt(`0x${balance.constant_result[0]}`)).toBe(123n);
    await chain.fork(2);
    await chain.mine(1);
    await chain.stop();
  });

  it('may be opened with another lag, and still replays old forks', async () => {
    for (const [solidLagBlocks, blocks] of [
      [10, 8],
      [1, 1],
      [6, 2],
    ] as const) {
      const chain = await startDevchain({ producing: false, solidLagBlocks, dataDir });
      const solid = chain.solidNumber;
      await chain.fund(newAccount(chain).address, 5n);
      await chain.mine(12);
      await chain.fork(blocks, 'drop');
      expect(chain.solidNumber).toBeGreaterThan(solid);
      await chain.stop();
    }
    const chain = await startDevchain({ producing: false, dataDir });
    expect(chain.headNumber).toBe(1 + 3 * 12 - 8 - 1 - 2);
    await chain.stop();
  });

  it('is taken over from a process that is gone, also when its number is used again', async () => {
    for (const holder of ['4194303 1', `${process.ppid} 1`, '', 'nonsense']) {
      fs.writeFileSync(path.join(dataDir, 'chain.lock'), holder);
      const chain = await startDevchain({ ...settings, dataDir });
      await chain.stop();
    }
    expect(fs.existsSync(path.join(dataDir, 'chain.lock'))).toBe(false);
  });

  it('cuts off a torn tail and refuses damage', async () => {
    let chain = await startDevchain({ ...settings, dataDir });
    await chain.fund(newAccount(chain).address, 1n);
    await chain.mine(3);
    await chain.stop();
    const log = path.join(dataDir, 'chain.log');
    const whole = fs.readFileSync(log);
    for (const torn of [1, 8, 14]) {
      fs.writeFileSync(log, whole.subarray(0, whole.length - torn));
      chain = await startDevchain({ ...settings, dataDir });
      expect(chain.headNumber).toBe(3);
      await chain.mine();
      await chain.stop();
      chain = await startDevchain({ ...settings, dataDir });
      expect(chain.headNumber).toBe(4);
      await chain.stop();
    }
    const damaged = Buffer.from(whole);
    damaged[60] = (damaged[60] ?? 0) ^ 1;
    fs.writeFileSync(log, damaged);
    await expect(startDevchain({ ...settings, dataDir })).rejects.toThrow('damaged at byte');
  });
});

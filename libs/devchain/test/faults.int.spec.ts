import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '../src/index.js';
import {
  clientOf,
  compileProbe,
  deployProbe,
  fundedAccount,
  newAccount,
  post,
  type TestAccount,
} from './fixture.js';

let chain: Devchain;
let payer: TestAccount;
beforeEach(async () => {
  chain = await startDevchain({ producing: false, solidLagBlocks: 18 });
  payer = await fundedAccount(chain);
});
afterEach(async () => {
  await chain.stop();
});

const pay = async (sun = 5): Promise<{ txid: string; payee: TestAccount; result: boolean }> => {
  const payee = newAccount(chain);
  const { txid, result } = await payer.tronWeb.trx.sendTransaction(payee.address, sun);
  return { txid, payee, result };
};
const known = async (txId: string): Promise<boolean> =>
  Object.keys(await clientOf(chain).trx.getUnconfirmedTransactionInfo(txId)).length > 0;

describe('fork', () => {
  it('takes blocks and their transactions away', async () => {
    const { txid, payee } = await pay();
    await chain.mine(3);
    const head = chain.headNumber;
    const before = await clientOf(chain).trx.getBlock(head);
    expect(await known(txid)).toBe(true);
    expect(await chain.fork(3, 'drop')).toEqual([txid]);
    expect(chain.headNumber).toBe(head - 3);
    expect(await known(txid)).toBe(false);
    expect(await payee.tronWeb.trx.getUnconfirmedBalance()).toBe(0);
    expect(await payer.tronWeb.trx.getUnconfirmedBalance()).toBe(1_000_000_000);
    await chain.mine(3);
    const after = await clientOf(chain).trx.getBlock(head);
    expect(after.blockID).not.toBe(before.blockID);
    expect(await known(txid)).toBe(false);
  });

  it('brings the transactions back in later blocks', async () => {
    const { txid, payee } = await pay(77);
    await chain.mine(2);
    await chain.fork(2, 'return');
    expect(await known(txid)).toBe(false);
    await chain.mine();
    expect(await known(txid)).toBe(true);
    expect(await payee.tronWeb.trx.getUnconfirmedBalance()).toBe(77);
  });

  it('loses what refers to a block that is gone', async () => {
    await chain.mine(2);
    const { txid } = await pay();
    await chain.mine();
    await chain.fork(2, 'return');
    await chain.mine(3);
    expect(await known(txid)).toBe(false);
  });

  it('accepts a dropped transaction again, byte for byte', async () => {
    const draft = await payer.tronWeb.transactionBuilder.sendTrx(
      newAccount(chain).address,
      9,
      payer.address,
    );
    const signed = await payer.tronWeb.trx.sign(draft);
    await payer.tronWeb.trx.sendRawTransaction(signed);
    await chain.mine();
    await chain.fork(1, 'drop');
    expect((await payer.tronWeb.trx.sendRawTransaction(signed)).result).toBe(true);
    await chain.mine();
    expect(await known(signed.txID)).toBe(true);
  });

  it('never undoes solidified blocks and never moves the solidified head back', async () => {
    await chain.mine(30);
    const solid = chain.solidNumber;
    expect(solid).toBe(chain.headNumber - 18);
    await expect(chain.fork(19)).rejects.toThrow('only 18 unsolidified blocks');
    await chain.fork(18);
    expect(chain.solidNumber).toBe(solid);
    expect(chain.headNumber).toBe(solid);
    await chain.mine(20);
    expect(chain.solidNumber).toBe(solid + 2);
  });

  it('undoes contract storage too', async () => {
    const artifact = compileProbe();
    const { tronWeb } = payer;
    const address = await deployProbe(chain, tronWeb, artifact);
    await chain.fork(1, 'drop');
    expect(await tronWeb.trx.getContract(address)).toEqual({});
    // The head is the same as before, and so is the transaction that the client builds on it.
    expect(await deployProbe(chain, tronWeb, artifact)).toBe(address);
  });
});

describe('faults', () => {
  it('accept and drop', async () => {
    chain.arm({ kind: 'drop' });
    const lost = await pay();
    const kept = await pay();
    await chain.mine(3);
    expect(lost.result).toBe(true);
    expect([await known(lost.txid), await known(kept.txid)]).toEqual([false, true]);
  });

  it('lie about success without looking', async () => {
    chain.arm({ kind: 'lie-success' });
    const { result, txid } = await pay(5_000_000_000);
    await chain.mine();
    expect([result, await known(txid)]).toEqual([true, false]);
  });

  it('include in the last block before the expiration', async () => {
    chain.arm({ kind: 'hold', offsetMs: -1 });
    const { txid } = await pay();
    const stepMs = 10_000;
    const expirationMs = chain.headTimestampMs + 60_000;
    for (let blocks = 0; !(await known(txid)); blocks++) {
      if (blocks > 10) throw new Error('never included');
      await chain.mine(1, Math.min(chain.headTimestampMs + stepMs, expirationMs - 300));
    }
    expect(chain.headTimestampMs).toBe(expirationMs - 300);
  });

  it.each([-3_000, -900, 0, 900, 3_000])(
    'include %i ms around the expiration, missing the slots between',
    async (offsetMs) => {
      chain.arm({ kind: 'hold', offsetMs });
      const { txid } = await pay();
      const expirationMs = chain.headTimestampMs + 60_000;
      await chain.mine(1, expirationMs - 5_000);
      for (let blocks = 0; !(await known(txid)); blocks++) {
        if (blocks > 20) throw new Error('never included');
        await chain.mine();
      }
      const offMs = chain.headTimestampMs - (expirationMs + offsetMs);
      expect(offMs).toBeGreaterThanOrEqual(offsetMs < 0 ? -300 : 0);
      expect(offMs).toBeLessThan(300);
    },
  );

  it('refuse a broadcast, and take it nevertheless', async () => {
    chain.arm({ kind: 'refuse', code: 'BANDWITH_ERROR', accept: false });
    chain.arm({ kind: 'refuse', code: 'DUP_TRANSACTION_ERROR', accept: true });
    const send = async () => {
      const to = newAccount(chain).address;
      const draft = await payer.tronWeb.transactionBuilder.sendTrx(to, 3, payer.address);
      return payer.tronWeb.trx.sendRawTransaction(await payer.tronWeb.trx.sign(draft));
    };
    const [refused, taken] = [await send(), await send()];
    await chain.mine();
    expect(refused).toMatchObject({ code: 'BANDWITH_ERROR' });
    expect(taken).toMatchObject({ code: 'DUP_TRANSACTION_ERROR' });
    const ids = [refused, taken].map((answer) => (answer as unknown as { txid: string }).txid);
    expect(await Promise.all(ids.map(known))).toEqual([false, true]);
  });

  it('show an old solid head and altered transactions', async () => {
    await pay(5);
    await chain.mine(30);
    const solid = async () =>
      Number((await clientOf(chain).trx.getConfirmedCurrentBlock()).block_header.raw_data.number);
    chain.arm({ kind: 'stale-solid', path: '/walletsolidity/', blocks: 4 });
    expect(await solid()).toBe(chain.solidNumber - 4);
    expect(await solid()).toBe(chain.solidNumber);
    chain.arm({ kind: 'alter', path: '/wallet/createtransaction' });
    const answer = await post(chain, '/wallet/createtransaction', {
      owner_address: payer.hex,
      to_address: newAccount(chain).hex,
      amount: 7,
    });
    const raw = answer.raw_data as { contract: { parameter: { value: { amount: number } } }[] };
    expect(raw.contract[0]?.parameter.value.amount).toBe(8);
  });

  it('change the permissions of an account whose key is given', async () => {
    const thief = newAccount(chain);
    const { privateKey, address } = payer;
    const change = (body: object) => post(chain, '/dev/permissions', body);
    const keys = [address, thief.address];
    expect(await change({ privateKey, keys })).toHaveProperty('txId');
    await chain.mine();
    const account = await clientOf(chain).trx.getUnconfirmedAccount(address);
    expect(account.owner_permission.keys).toHaveLength(2);
    expect(account.active_permission[0]?.keys).toHaveLength(2);
    expect((await change({ privateKey: 'no', keys })).Error).toContain('64 digits of hex');
    expect((await change({ privateKey, keys: 'x' })).Error).toContain('keys must be a list');
  });

  it('belong to one of several nodes, those of the chain to all', async () => {
    const several = await startDevchain({ producing: false, morePorts: [0, 0] });
    const heads = () => Promise.all(several.urls.map((url) => fetch(`${url}/wallet/getnowblock`)));
    several.arm({ kind: 'http-error', path: '/wallet/getnowblock', status: 503 }, 1, 1);
    expect((await heads()).map(({ status }) => status)).toEqual([200, 503, 200]);
    const third = several.urls[2] ?? '';
    const arm = (kind: string) =>
      fetch(`${third}/dev/faults`, { method: 'POST', body: JSON.stringify({ kind }) });
    await arm('drop');
    await arm('lie-success');
    const listed = await Promise.all(
      several.urls.map(async (url) => (await (await fetch(`${url}/dev/faults`)).json()) as object),
    );
    expect(listed[0]).toEqual({ faults: [{ kind: 'drop', count: 1 }] });
    expect(listed[2]).toEqual({
      faults: [
        { kind: 'drop', count: 1 },
        { kind: 'lie-success', count: 1 },
      ],
    });
    expect(() => several.arm({ kind: 'lie-success' }, 1, 3)).toThrow('no node 3');
    several.clearFaults();
    await several.stop();
  });

  it('fail a call', async () => {
    const address = await deployProbe(chain, payer.tronWeb, compileProbe());
    for (const result of ['REVERT', 'OUT_OF_ENERGY', 'OUT_OF_TIME'] as const) {
      chain.arm({ kind: 'fail-call', result });
      const { transactionBuilder, trx } = payer.tronWeb;
      const { transaction } = await transactionBuilder.triggerSmartContract(
        address,
        'transfer(address,uint256)',
        { feeLimit: 20_000_000 },
        [
          { type: 'address', value: payer.address },
          { type: 'uint256', value: 1 },
        ],
      );
      await trx.sendRawTransaction(await trx.sign(transaction));
      await chain.mine();
      const info = await trx.getUnconfirmedTransactionInfo(transaction.txID);
      expect(info.receipt.result).toBe(result);
      expect(info.receipt.energy_usage_total).toBe(result === 'REVERT' ? 1_000 : 200_000);
    }
  });

  it('let a call run out of what it may cost, which is undone', async () => {
    const probe = await deployProbe(chain, payer.tronWeb, compileProbe());
    const { transactionBuilder, trx } = payer.tronWeb;
    const values = [
      { type: 'address', value: payer.address },
      { type: 'uint256', value: 1 },
    ];
    const call = async (feeLimit: number) => {
      const method = 'transfer(address,uint256)';
      const options = { feeLimit };
      const { transaction } = await transactionBuilder.triggerSmartContract(
        probe,
        method,
        options,
        values,
      );
      await trx.sendRawTransaction(await trx.sign(transaction));
      await chain.mine();
      const { receipt, log } = await trx.getUnconfirmedTransactionInfo(transaction.txID);
      return { ...receipt, logs: log?.length ?? 0 };
    };
    const good = await call(20_000_000);
    expect(good).toMatchObject({ result: 'SUCCESS', logs: 1 });
    const energy = Math.floor(good.energy_usage_total / 2);
    chain.arm({ kind: 'cut-fee-limit', feeLimitSun: energy * 100 });
    expect(await call(20_000_000)).toMatchObject({
      result: 'OUT_OF_ENERGY',
      energy_usage_total: energy,
      logs: 0,
    });
    expect(await call(20_000_000)).toMatchObject({ result: 'SUCCESS', logs: 1 });
  });

  it('answer late and with errors', async () => {
    await post(chain, '/dev/faults', {
      kind: 'delay-after',
      path: '/wallet/getnowblock',
      delayMs: 150,
    });
    const startMs = performance.now();
    await clientOf(chain).trx.getCurrentBlock();
    expect(performance.now() - startMs).toBeGreaterThan(140);
    const armed = await post(chain, '/dev/faults', {
      kind: 'http-error',
      status: 429,
      path: '/wallet',
    });
    expect(armed.faults).toEqual([{ kind: 'http-error', status: 429, path: '/wallet', count: 1 }]);
    await expect(clientOf(chain).trx.getCurrentBlock()).rejects.toThrow('429');
    await clientOf(chain).trx.getCurrentBlock();
    expect((await post(chain, '/dev/faults', { kind: 'nonsense' })).Error).toContain(
      'kind must be',
    );
    expect((await post(chain, '/dev/faults', { kind: 'none' })).faults).toEqual([]);
  });

  it('answer with any lie', async () => {
    const body = { id: 'ab', receipt: { result: 'SUCCESS' } };
    const path = '/walletsolidity/gettransactioninfobyid';
    await post(chain, '/dev/faults', { kind: 'answer', path, body });
    const { trx } = clientOf(chain);
    expect(await trx.getTransactionInfo('cd'.repeat(32))).toEqual(body);
    expect(await trx.getTransactionInfo('cd'.repeat(32))).toEqual({});
  });

  it('are driven over HTTP as well', async () => {
    const mined = await post(chain, '/dev/mine', { blocks: 4 });
    expect(mined.headNumber).toBe(chain.headNumber);
    const payee = newAccount(chain);
    const funded = await post(chain, '/dev/fund', {
      address: payee.address,
      trxSun: '1000000',
      trc10Units: 5,
    });
    expect(funded.txIds).toHaveLength(2);
    await post(chain, '/dev/mine', {});
    const forked = await post(chain, '/dev/fork', { blocks: 1, transactions: 'drop' });
    expect(forked.undone).toEqual(funded.txIds);
    const time = await post(chain, '/dev/time', {});
    expect(time).toMatchObject({ producing: false, chainId: chain.chainId, pending: 0 });
    expect((await post(chain, '/dev/producer', { enabled: true })).producing).toBe(true);
    expect((await post(chain, '/dev/producer', { enabled: false })).producing).toBe(false);
  });
});

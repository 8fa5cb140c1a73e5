import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '../src/index.js';
import { clientOf, fundedAccount, newAccount, post } from './fixture.js';

let chain: Devchain;
beforeAll(async () => {
  chain = await startDevchain({ producing: false });
});
afterAll(async () => {
  await chain.stop();
});

describe('the HTTP API', () => {
  it('answers malformed requests with an error and lives on', async () => {
    const owner = newAccount(chain).hex;
    const requests: [string, unknown][] = [
      ['broadcasttransaction', '{'],
      ['broadcasttransaction', '[]'],
      ['broadcasttransaction', {}],
      ['broadcasttransaction', { raw_data: { contract: 7 } }],
      ['broadcasttransaction', { raw_data: { contract: [] } }],
      ['broadcasttransaction', { raw_data: { contract: [{}, {}] } }],
      [
        'broadcasttransaction',
        { raw_data: { contract: [{ type: 'VoteWitnessContract', parameter: {} }] } },
      ],
      [
        'broadcasttransaction',
        { raw_data: { contract: [{ type: '__proto__', parameter: { value: {} } }] } },
      ],
      ['broadcasthex', { transaction: 'zz' }],
      ['broadcasthex', { transaction: '0aff' }],
      ['broadcasthex', { transaction: 'ffffffffffffffffffffffff' }],
      ['getaccount', { address: 'T123' }],
      ['getaccount', {}],
      ['getblockbynum', { num: -1 }],
      ['getblockbynum', { num: 1e30 }],
      ['getblockbyid', { value: 'xyz' }],
      ['getblockbylimitnext', { startNum: 0, endNum: 1e9 }],
      ['createtransaction', { owner_address: owner, to_address: owner, amount: 'much' }],
      ['createtransaction', { owner_address: owner, to_address: owner, amount: 5 }],
      ['triggerconstantcontract', { owner_address: owner, contract_address: owner, data: '0' }],
      ['deploycontract', { owner_address: owner, abi: '{' }],
    ];
    for (const [method, body] of requests) {
      const answer = await post(chain, `/wallet/${method}`, body);
      expect(answer.Error, `${method} ${JSON.stringify(body)}`).toEqual(expect.any(String));
      expect(answer.status).toBe(200);
    }
    expect((await post(chain, '/wallet/nosuchmethod', {})).status).toBe(404);
    expect((await post(chain, '/wallet/constructor', {})).status).toBe(404);
    expect((await post(chain, '/etc/passwd', {})).status).toBe(404);
    const health = await fetch(`${chain.url}/healthz`);
    expect(await health.json()).toMatchObject({ status: 'ok' });
  });

  it('bounds bodies and transactions', async () => {
    const big = await post(chain, '/wallet/broadcasttransaction', { x: 'a'.repeat(1_100_000) });
    expect(big.status).toBe(413);
    const payer = await fundedAccount(chain);
    const { tronWeb } = payer;
    const draft = await tronWeb.transactionBuilder.sendTrx(
      newAccount(chain).address,
      1,
      payer.address,
    );
    const padded = { ...draft, raw_data: { ...draft.raw_data, data: 'ab'.repeat(500 * 1024) } };
    const answer = await post(chain, '/wallet/broadcasttransaction', {
      ...padded,
      signature: ['00'.repeat(65)],
    });
    expect(answer.Error ?? answer.code).toMatch(/too big|TOO_BIG|SIGERROR/);
  });

  it('speaks base58 when asked to', async () => {
    const account = await fundedAccount(chain, 7_000_000n, 3n);
    const visible = await post(chain, '/wallet/getaccount', {
      address: account.address,
      visible: true,
    });
    expect(visible.address).toBe(account.address);
    const draft = await post(chain, '/wallet/createtransaction', {
      owner_address: account.address,
      to_address: clientOf(chain).defaultAddress.base58,
      amount: 5,
      visible: true,
    });
    expect(draft).toMatchObject({
      visible: true,
      raw_data: { contract: [{ parameter: { value: { owner_address: account.address } } }] },
    });
    const token = await post(chain, '/wallet/getassetissuebyid', { value: 1002000, visible: true });
    expect(token.name).toBe('BTTOLD');
    const { tronWeb } = account;
    const signed = await tronWeb.trx.sign(
      await tronWeb.transactionBuilder.sendToken(
        newAccount(chain).address,
        1,
        '1002000',
        account.address,
      ),
    );
    const restated = structuredClone(signed) as unknown as {
      visible: boolean;
      raw_data: { contract: { parameter: { value: Record<string, string> } }[] };
    };
    const value = restated.raw_data.contract[0]!.parameter.value;
    restated.visible = true;
    value.asset_name = '1002000';
    for (const name of ['owner_address', 'to_address']) {
      value[name] = tronWeb.address.fromHex(value[name] ?? '');
    }
    const sent = await post(chain, '/wallet/broadcasttransaction', restated);
    expect(sent).toMatchObject({ result: true, txid: signed.txID });
  });

  it('builds transactions as java-tron does', async () => {
    const owner = await fundedAccount(chain, 5_000_000_000n);
    const { hex } = owner;
    const to_address = newAccount(chain).hex;
    const builders: [string, object][] = [
      ['createtransaction', { owner_address: hex, to_address, amount: 5 }],
      ['createaccount', { owner_address: hex, account_address: newAccount(chain).hex }],
      ['freezebalancev2', { owner_address: hex, frozen_balance: 2_000_000, resource: 'ENERGY' }],
      [
        'deploycontract',
        { owner_address: hex, abi: '[]', bytecode: '00', origin_energy_limit: 1, name: 'x' },
      ],
    ];
    for (const [method, body] of builders) {
      const draft = await post(chain, `/wallet/${method}`, body);
      const { Error: error, status: _status, ...transaction } = draft;
      expect(error).toBeUndefined();
      const signed = await owner.tronWeb.trx.sign(transaction as never);
      expect(await owner.tronWeb.trx.sendRawTransaction(signed)).toMatchObject({ result: true });
    }
    const weight = await post(chain, '/wallet/getsignweight', {
      ...(await owner.tronWeb.trx.sign(
        await owner.tronWeb.transactionBuilder.sendTrx(to_address, 1, owner.address),
      )),
    });
    expect(weight).toMatchObject({ result: { code: 'ENOUGH_PERMISSION' }, current_weight: 1 });
    for (const address of [owner.address, hex]) {
      expect((await post(chain, '/wallet/validateaddress', { address })).result).toBe(true);
    }
    expect((await post(chain, '/wallet/validateaddress', { address: 'T1' })).result).toBe(false);
  });
});

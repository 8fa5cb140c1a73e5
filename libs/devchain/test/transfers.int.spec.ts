import { TronWeb } from 'tronweb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain, TRC10_ID, TRC10_LOOKALIKE_ID } from '../src/index.js';
import { clientOf, fundedAccount, messageText, newAccount, post } from './fixture.js';

let chain: Devchain;
beforeAll(async () => {
  chain = await startDevchain({ producing: false });
});
afterAll(async () => {
  await chain.stop();
});

describe('TRX', () => {
  it('moves between accounts and charges for activating a new one', async () => {
    const payer = await fundedAccount(chain, 10_000_000n);
    const payee = newAccount(chain);
    const sent = await payer.tronWeb.trx.sendTransaction(payee.address, 2_000_000);
    expect(sent.result).toBe(true);
    await chain.mine();
    const info = await payer.tronWeb.trx.getUnconfirmedTransactionInfo(sent.txid);
    expect(info).toMatchObject({ id: sent.txid, fee: 1_100_000, receipt: { net_fee: 100_000 } });
    expect(await payee.tronWeb.trx.getUnconfirmedBalance()).toBe(2_000_000);
    expect(await payer.tronWeb.trx.getUnconfirmedBalance()).toBe(6_900_000);
  });

  it('uses the free bandwidth for a transfer to a known account, then TRX', async () => {
    const payer = await fundedAccount(chain);
    const payee = await fundedAccount(chain);
    const first = await payer.tronWeb.trx.sendTransaction(payee.address, 1);
    await chain.mine();
    const second = await payer.tronWeb.trx.sendTransaction(payee.address, 2);
    const third = await payer.tronWeb.trx.sendTransaction(payee.address, 3);
    await chain.mine();
    const infos = await Promise.all(
      [first, second, third].map(({ txid }) =>
        payer.tronWeb.trx.getUnconfirmedTransactionInfo(txid),
      ),
    );
    expect(infos.map(({ receipt }) => receipt.net_usage ?? 0)).toEqual([265, 265, 0]);
    expect(infos[2]?.receipt.net_fee).toBe(265_000);
  });

  it('charges a memo', async () => {
    const payer = await fundedAccount(chain);
    const { tronWeb } = payer;
    const payee = await fundedAccount(chain);
    const plain = await tronWeb.transactionBuilder.sendTrx(payee.address, 5, payer.address);
    const withMemo = await tronWeb.transactionBuilder.addUpdateData(plain, 'invoice 7', 'utf8');
    const sent = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(withMemo));
    await chain.mine();
    expect((await tronWeb.trx.getUnconfirmedTransactionInfo(sent.txid)).fee).toBe(1_000_000);
  });

  it('refuses what the balance does not cover', async () => {
    const payer = await fundedAccount(chain, 1_000_000n);
    const sent = await payer.tronWeb.trx.sendTransaction(newAccount(chain).address, 900_000);
    expect(sent.code).toBe('CONTRACT_VALIDATE_ERROR');
    expect(messageText(sent)).toContain('insufficient fee');
    const poor = await fundedAccount(chain, 10n);
    const toNew = await poor.tronWeb.trx.sendTransaction(newAccount(chain).address, 1);
    expect(toNew.code).toBe('BANDWITH_ERROR');
  });

  it('keeps amounts above 2^53 exact', async () => {
    const faucet = clientOf(chain);
    const payee = await fundedAccount(chain);
    const before = BigInt(await faucet.trx.raw.getUnconfirmedBalance());
    const txIds = await chain.fund(payee.address, 1n);
    await chain.mine();
    const after = BigInt(await faucet.trx.raw.getUnconfirmedBalance());
    const { fee = 0 } = await faucet.trx.getUnconfirmedTransactionInfo(txIds[0]!);
    expect(after).toBeGreaterThan(1n << 53n);
    expect(before - after).toBe(1n + BigInt(fee));
  });
});

describe('TRC-10', () => {
  it('moves by token id, never by name', async () => {
    const payer = await fundedAccount(chain, 50_000_000n, 1_000n);
    const payee = newAccount(chain);
    const sent = await payer.tronWeb.trx.sendToken(payee.address, 400, TRC10_ID);
    expect(sent.result).toBe(true);
    await chain.mine();
    const account = await payee.tronWeb.trx.getUnconfirmedAccount();
    expect(account.assetV2).toEqual([{ key: TRC10_ID, value: 400 }]);
    const other = await payer.tronWeb.trx.sendToken(payee.address, 1, TRC10_LOOKALIKE_ID);
    expect(messageText(other)).toContain('assetBalance must be greater than 0.');
    const unknown = await payer.tronWeb.trx.sendToken(payee.address, 1, '1009999');
    expect(messageText(unknown)).toContain('No asset!');
  });

  it('lists two tokens of one name', async () => {
    const { trx } = clientOf(chain);
    const token = await trx.getTokenByID(TRC10_ID);
    expect(token).toMatchObject({ id: TRC10_ID, name: 'BTTOLD', abbr: 'BTTOLD', precision: 6 });
    const same = await trx.getTokenListByName('BTTOLD');
    expect(Array.isArray(same) && same.map(({ id }) => id)).toEqual([TRC10_ID, TRC10_LOOKALIKE_ID]);
  });

  it('issues a new token', async () => {
    const issuer = await fundedAccount(chain, 2_000_000_000n);
    const { tronWeb } = issuer;
    const transaction = await tronWeb.transactionBuilder.createToken(
      {
        name: 'Fake',
        abbreviation: 'FAKE',
        description: 'a token',
        url: 'https://example.invalid',
        totalSupply: 5_000,
        trxRatio: 1,
        tokenRatio: 1,
        saleStart: Date.now() + 60_000,
        saleEnd: Date.now() + 120_000,
        precision: 6,
      } as never,
      issuer.address,
    );
    const sent = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(transaction));
    expect(sent.result, messageText(sent)).toBe(true);
    await chain.mine();
    const info = await tronWeb.trx.getUnconfirmedTransactionInfo(sent.txid);
    expect(info.fee).toBe(1_024_000_000);
    expect((await tronWeb.trx.getTokenByID(info.assetIssueID)).name).toBe('Fake');
  });
});

describe('admission', () => {
  it('refuses a transaction twice, pending and sealed', async () => {
    const payer = await fundedAccount(chain);
    const { tronWeb } = payer;
    const draft = await tronWeb.transactionBuilder.sendTrx(
      newAccount(chain).address,
      1,
      payer.address,
    );
    const signed = await tronWeb.trx.sign(draft);
    expect((await tronWeb.trx.sendRawTransaction(signed)).result).toBe(true);
    expect((await tronWeb.trx.sendRawTransaction(signed)).code).toBe('DUP_TRANSACTION_ERROR');
    await chain.mine();
    expect((await tronWeb.trx.sendRawTransaction(signed)).code).toBe('DUP_TRANSACTION_ERROR');
  });

  it('refuses signatures of others, tampered raw data and missing signatures', async () => {
    const payer = await fundedAccount(chain);
    const thief = newAccount(chain);
    const { tronWeb } = payer;
    const draft = await tronWeb.transactionBuilder.sendTrx(thief.address, 1_000, payer.address);
    const signed = await tronWeb.trx.sign(draft);
    const byThief = await tronWeb.trx.multiSign(structuredClone(draft), thief.privateKey);
    const stolen = await tronWeb.trx.sendRawTransaction(byThief as never);
    expect(stolen.code).toBe('SIGERROR');
    expect(messageText(stolen)).toContain('is not contained of permission');

    // raw_data_hex and txID stay as they were; the node must not look at them.
    const tampered = structuredClone(signed);
    (tampered.raw_data.contract[0]!.parameter.value as { amount: number }).amount = 999_999;
    expect((await tronWeb.trx.sendRawTransaction(tampered)).code).toBe('SIGERROR');

    const garbled = { ...signed, signature: ['00'.repeat(65)] };
    expect((await tronWeb.trx.sendRawTransaction(garbled)).code).toBe('SIGERROR');
    const none = await post(chain, '/wallet/broadcasttransaction', { ...draft });
    expect(none.code).toBe('SIGERROR');
  });

  it('refuses expired, too distant and misplaced transactions', async () => {
    const payer = await fundedAccount(chain);
    const { tronWeb } = payer;
    const reference = await tronWeb.trx.getCurrentRefBlockParams();
    const send = async (change: object) => {
      const blockHeader = { ...reference, ...change };
      const draft = await tronWeb.transactionBuilder.sendTrx(
        newAccount(chain).address,
        1,
        payer.address,
        {
          blockHeader,
        },
      );
      return (await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(draft))).code;
    };
    const headMs = chain.headTimestampMs;
    expect(await send({ expiration: headMs })).toBe('TRANSACTION_EXPIRATION_ERROR');
    expect(await send({ expiration: headMs + 86_400_001 })).toBe('TRANSACTION_EXPIRATION_ERROR');
    expect(await send({ ref_block_hash: '0102030405060708' })).toBe('TAPOS_ERROR');
    expect(await send({ ref_block_bytes: 'fffe' })).toBe('TAPOS_ERROR');
    expect(await send({ expiration: headMs + 86_400_000 })).toBeUndefined();
  });

  it('accepts the same transaction as hex', async () => {
    const payer = await fundedAccount(chain);
    const { tronWeb } = payer;
    const draft = await tronWeb.transactionBuilder.sendTrx(
      newAccount(chain).address,
      1,
      payer.address,
    );
    const signed = await tronWeb.trx.sign(draft);
    const [signature = ''] = signed.signature;
    const length = (bytes: number) => {
      const low = ((bytes & 0x7f) | (bytes > 0x7f ? 0x80 : 0)).toString(16).padStart(2, '0');
      return bytes > 0x7f ? low + (bytes >> 7).toString(16).padStart(2, '0') : low;
    };
    const raw = signed.raw_data_hex;
    const hex = `0a${length(raw.length / 2)}${raw}1241${signature}`;
    const sent = await tronWeb.trx.sendHexTransaction(hex);
    expect(sent).toMatchObject({ result: true, code: 'SUCCESS', txid: signed.txID });
    expect(sent.transaction).toMatchObject({ txID: signed.txID });
  });

  it('obeys changed permissions and charges for them', async () => {
    const owner = await fundedAccount(chain, 500_000_000n);
    const cosigner = newAccount(chain);
    const { tronWeb } = owner;
    const keys = [owner, cosigner].map(({ hex }) => ({ address: hex, weight: 1 }));
    const update = await tronWeb.transactionBuilder.updateAccountPermissions(
      owner.hex,
      { type: 0, permission_name: 'owner', threshold: 2, keys } as never,
      undefined as never,
      [
        {
          type: 2,
          permission_name: 'pay only',
          threshold: 1,
          operations: `02${'00'.repeat(31)}`,
          keys: [keys[1]],
        },
      ] as never,
    );
    const changed = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(update));
    expect(changed.result, messageText(changed)).toBe(true);
    await chain.mine();
    const account = await tronWeb.trx.getUnconfirmedAccount();
    expect(account.owner_permission).toMatchObject({
      threshold: 2,
      keys: [{ weight: 1 }, { weight: 1 }],
    });
    expect(account.active_permission).toMatchObject([{ id: 2, permission_name: 'pay only' }]);

    const alone = await tronWeb.trx.sendTransaction(cosigner.address, 1);
    expect(messageText(alone)).toContain('sig error');
    const draft = await tronWeb.transactionBuilder.sendTrx(cosigner.address, 7, owner.address);
    const once = await tronWeb.trx.multiSign(draft, owner.privateKey);
    const twice = await tronWeb.trx.multiSign(once as never, cosigner.privateKey);
    expect((await tronWeb.trx.sendRawTransaction(twice as never)).result).toBe(true);

    const byActive = await tronWeb.transactionBuilder.sendTrx(cosigner.address, 8, owner.address, {
      permissionId: 2,
    });
    const signed = await tronWeb.trx.multiSign(byActive, cosigner.privateKey, 2);
    expect((await tronWeb.trx.sendRawTransaction(signed as never)).result).toBe(true);
    const asset = await tronWeb.transactionBuilder.sendToken(
      cosigner.address,
      8,
      TRC10_ID,
      owner.address,
      {
        permissionId: 2,
      },
    );
    const denied = await tronWeb.trx.sendRawTransaction(
      (await tronWeb.trx.multiSign(asset, cosigner.privateKey, 2)) as never,
    );
    expect(messageText(denied)).toContain('Permission denied');
    await chain.mine();
    const info = await tronWeb.trx.getUnconfirmedTransactionInfo(
      (twice as unknown as { txID: string }).txID,
    );
    expect(info.fee).toBe(2_100_000);
  });
});

describe('staking', () => {
  it('gives energy for frozen TRX', async () => {
    const staker = await fundedAccount(chain, 20_000_000_000n);
    const { tronWeb } = staker;
    const freeze = await tronWeb.transactionBuilder.freezeBalanceV2(
      10_000_000_000,
      'ENERGY',
      staker.address,
    );
    const sent = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(freeze));
    expect(sent.result, messageText(sent)).toBe(true);
    await chain.mine();
    const resources = await tronWeb.trx.getAccountResources(staker.address);
    expect(resources.EnergyLimit).toBe(94_736);
    const account = await tronWeb.trx.getUnconfirmedAccount();
    expect(account.frozenV2[1]).toEqual({ type: 'ENERGY', amount: 10_000_000_000 });
  });
});

describe('reading', () => {
  it('answers walletsolidity from solidified blocks only', async () => {
    const payee = newAccount(chain);
    const { trx } = payee.tronWeb;
    const [txId = ''] = await chain.fund(payee.address, 3_000_000n);
    await chain.mine();
    expect(await trx.getUnconfirmedBalance()).toBe(3_000_000);
    await chain.mine(2);
    expect(await trx.getBalance()).toBe(0);
    expect(await trx.getTransactionInfo(txId)).toEqual({});
    await expect(trx.getConfirmedTransaction(txId)).rejects.toThrow('Transaction not found');
    await chain.mine();
    expect(await trx.getBalance()).toBe(3_000_000);
    expect((await trx.getTransactionInfo(txId)).id).toBe(txId);
    const solid = await trx.getConfirmedCurrentBlock();
    expect(solid.block_header.raw_data.number).toBe(chain.headNumber - 3);
  });

  it('links blocks by parent, number and growing time', async () => {
    await chain.mine(5);
    const { trx } = clientOf(chain);
    const blocks = await trx.getBlockRange(chain.headNumber - 4, chain.headNumber);
    expect(blocks).toHaveLength(5);
    for (const [at, block] of blocks.slice(1).entries()) {
      const before = blocks[at]!;
      expect(block.block_header.raw_data.parentHash).toBe(before.blockID);
      expect(block.block_header.raw_data.timestamp).toBeGreaterThan(
        before.block_header.raw_data.timestamp,
      );
      expect(block.blockID.slice(0, 16)).toBe(
        block.block_header.raw_data.number.toString(16).padStart(16, '0'),
      );
      expect(await trx.getBlockByHash(block.blockID)).toEqual(block);
    }
  });

  it('describes the chain', async () => {
    const { trx } = clientOf(chain);
    const fee = (await trx.getChainParameters()).find(({ key }) => key === 'getEnergyFee');
    expect(fee?.value).toBe(100);
    expect(await trx.getEnergyPrices()).toMatch(/:100$/);
    expect(await trx.getBandwidthPrices()).toMatch(/:1000$/);
    expect((await trx.getNodeInfo()) as object).toMatchObject({ configNodeInfo: {} });
    expect(await trx.listNodes()).toEqual([]);
    expect(TronWeb.isAddress(clientOf(chain).defaultAddress.base58 as string)).toBe(true);
  });
});

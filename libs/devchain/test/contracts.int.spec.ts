import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devchain, startDevchain } from '../src/index.js';
import {
  type Artifact,
  clientOf,
  compileProbe,
  deployProbe,
  fundedAccount,
  newAccount,
  post,
} from './fixture.js';

let chain: Devchain;
let artifact: Artifact;
let address: string;
beforeAll(async () => {
  artifact = compileProbe();
  chain = await startDevchain({ producing: false });
  address = await deployProbe(chain, clientOf(chain), artifact, 1_000_000);
});
afterAll(async () => {
  await chain.stop();
});

const faucet = () => clientOf(chain);
const probe = () => faucet().contract(artifact.abi as never, address) as never as Probe;
interface Method {
  call(options?: object): Promise<unknown>;
  send(options?: object): Promise<string>;
}
interface Probe {
  balanceOf(owner: string): Method;
  chainId(): Method;
  transfer(to: string, value: bigint | number): Method;
  refuse(): Method;
  burnEnergy(): Method;
  spin(): Method;
  spawn(): Method;
  forward(to: string, amount: number): Method;
  tryForward(to: string): Method;
}
const receiptOf = (txId: string) => faucet().trx.getUnconfirmedTransactionInfo(txId);

describe('contracts', () => {
  it('are deployed with metadata, code and value', async () => {
    const { trx } = faucet();
    const contract = await trx.getContract(address);
    expect(contract).toMatchObject({
      contract_address: address,
      name: 'Probe',
      consume_user_resource_percent: 100,
    });
    expect(contract.abi.entrys.length).toBe(artifact.abi.length);
    const info = (await trx.getContractInfo(address)) as { runtimecode: string };
    expect(artifact.bytecode).toContain(info.runtimecode);
    expect(await trx.getUnconfirmedBalance(address)).toBe(1_000_000);
    const account = await trx.getUnconfirmedAccount(address);
    expect(account.type).toBe('Contract');
  });

  it('answer constant calls and change by transactions, with logs', async () => {
    const payee = newAccount(chain);
    expect(await probe().chainId().call()).toBe(BigInt(chain.chainId));
    const txId = await probe().transfer(payee.address, 42).send({ feeLimit: 100_000_000 });
    await chain.mine();
    expect(await probe().balanceOf(payee.address).call()).toBe(42n);
    const receipt = await receiptOf(txId);
    expect(receipt.receipt.result).toBe('SUCCESS');
    expect(receipt.receipt.energy_fee).toBe(receipt.receipt.energy_usage_total * 100);
    expect(receipt.contractResult).toEqual(['1'.padStart(64, '0')]);
    expect(receipt.log).toHaveLength(1);
    const [log] = receipt.log;
    expect(log?.address).toBe(address.slice(2));
    expect(log?.topics[0]).toBe('ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef');
    expect(log?.topics[2]).toBe(payee.hex.slice(2).padStart(64, '0'));
    expect(BigInt(`0x${log?.data}`)).toBe(42n);
  });

  it('undo everything on revert but charge for it', async () => {
    const { trx } = faucet();
    const before = await trx.raw.getUnconfirmedBalance();
    const txId = await probe()
      .transfer(newAccount(chain).address, 2n ** 200n)
      .send();
    await chain.mine();
    const receipt = await receiptOf(txId);
    expect(receipt.result).toBe('FAILED');
    expect(receipt.receipt.result).toBe('REVERT');
    expect(receipt.log).toBeUndefined();
    expect(Buffer.from(receipt.resMessage, 'hex').toString()).toBe('REVERT opcode executed');
    expect(Buffer.from(receipt.contractResult[0]!, 'hex').toString()).toContain('poor');
    const after = await trx.raw.getUnconfirmedBalance();
    expect(BigInt(before) - BigInt(after)).toBe(BigInt(receipt.fee));
    expect((await trx.getTransaction(txId)).ret).toEqual([{ contractRet: 'REVERT' }]);
    await expect(probe().refuse().call()).rejects.toThrow('REVERT opcode executed');
  });

  it('run out of energy at the fee limit and pay all of it', async () => {
    const txId = await probe().burnEnergy().send({ feeLimit: 50_000_000 });
    await chain.mine();
    const receipt = await receiptOf(txId);
    expect(receipt.receipt).toMatchObject({
      result: 'OUT_OF_ENERGY',
      energy_usage_total: 500_000,
      energy_fee: 50_000_000,
    });
    expect(await probe().balanceOf('T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb').call()).toBe(0n);
  });

  it('stop when they take too long', async () => {
    const user = await fundedAccount(chain, 20_000_000_000n);
    const contract = user.tronWeb.contract(artifact.abi as never, address) as never as Probe;
    await expect(contract.spin().call()).rejects.toThrow('OUT_OF_TIME');
  });

  it('see and move the same TRX as everybody else', async () => {
    const payee = newAccount(chain);
    const moved = await probe().forward(payee.address, 300_000).send({ callValue: 500_000 });
    await chain.mine();
    expect((await receiptOf(moved)).internal_transactions).toMatchObject([
      {
        caller_address: address,
        transferTo_address: payee.hex,
        callValueInfo: [{ callValue: 300_000 }],
        note: Buffer.from('call').toString('hex'),
      },
    ]);
    const { trx } = faucet();
    expect(await trx.getUnconfirmedBalance(address)).toBe(1_200_000);
    expect(await trx.getUnconfirmedBalance(payee.address)).toBe(300_000);
    const tooMuch = await probe().forward(payee.address, 9_000_000).send({ callValue: 1 });
    await chain.mine();
    expect((await receiptOf(tooMuch)).receipt.result).toBe('REVERT');
    expect(await trx.getUnconfirmedBalance(address)).toBe(1_200_000);
  });

  it('create other contracts at addresses derived from the transaction', async () => {
    const first = await probe().spawn().send();
    const second = await probe().spawn().send({ feeLimit: 149_000_000 });
    await chain.mine();
    const receipts = await Promise.all([receiptOf(first), receiptOf(second)]);
    const children = receipts.map(({ contractResult }) => `41${contractResult[0]!.slice(24)}`);
    expect(children[0]).not.toBe(children[1]);
    for (const child of children) {
      expect((await faucet().trx.getUnconfirmedAccount(child)).type).toBe('Contract');
    }
    expect(receipts[0]?.internal_transactions).toMatchObject([
      { transferTo_address: children[0], note: Buffer.from('create').toString('hex') },
    ]);

    // The child takes no TRX: the transfer is listed in a successful transaction, but rejected.
    const refused = await probe()
      .tryForward(children[0] ?? '')
      .send({ callValue: 7 });
    await chain.mine();
    const { receipt, internal_transactions: internals } = await receiptOf(refused);
    expect(receipt.result).toBe('SUCCESS');
    expect(internals).toMatchObject([{ callValueInfo: [{ callValue: 7 }], rejected: true }]);
    expect(await faucet().trx.getUnconfirmedBalance(children[0] ?? '')).toBe(0);
  });

  it('receive TRC-10 with a call and give it back when they revert', async () => {
    const user = await fundedAccount(chain, 1_000_000_000n, 100n);
    const contract = user.tronWeb.contract(artifact.abi as never, address) as never as Probe;
    const options = { tokenId: '1002000', tokenValue: 60, callValue: 5 };
    await contract.forward(user.address, 5).send(options);
    await expect(
      contract.forward(user.address, 5).send({ ...options, tokenValue: 99 }),
    ).rejects.toThrow('assetBalance is not sufficient');
    const failing = await contract
      .forward(user.address, 2_000_000_000)
      .send({ ...options, tokenValue: 40 });
    await chain.mine();
    expect((await receiptOf(failing)).receipt.result).toBe('REVERT');
    const held = await faucet().trx.getUnconfirmedAccount(address);
    expect(held.assetV2).toEqual([{ key: '1002000', value: 60 }]);
    const left = await user.tronWeb.trx.getUnconfirmedAccount();
    expect(left.assetV2).toEqual([{ key: '1002000', value: 40 }]);
  });

  it('can ask about the TRC-10 tokens of the call', async () => {
    const user = await fundedAccount(chain, 1_000_000_000n, 100n);
    // Returns CALLTOKENVALUE, CALLTOKENID, TOKENBALANCE(this, CALLTOKENID) and ISCONTRACT(this).
    const runtime = 'd25f52d360205230d3d160405230d460605260805ff3';
    const size = (runtime.length / 2).toString(16).padStart(2, '0');
    const bytecode = `60${size}600c60003960${size}6000f3${runtime}`;
    const { transactionBuilder, trx } = user.tronWeb;
    const deploy = await transactionBuilder.createSmartContract(
      { abi: [] as never, bytecode, feeLimit: 100_000_000, name: 'raw' },
      user.hex,
    );
    await trx.sendRawTransaction(await trx.sign(deploy));
    await chain.mine();
    const { transaction } = await transactionBuilder.triggerSmartContract(
      deploy.contract_address,
      'any()',
      { tokenId: '1002000', tokenValue: 33 },
      [],
    );
    await trx.sendRawTransaction(await trx.sign(transaction));
    await chain.mine();
    const [returned = ''] = (await receiptOf(transaction.txID)).contractResult;
    const words = returned.match(/.{64}/g)?.map((item) => Number(`0x${item}`));
    expect(words).toEqual([33, 1_002_000, 33, 1]);
  });

  it('cannot be paid by a plain transfer', async () => {
    const user = await fundedAccount(chain);
    const sent = await user.tronWeb.trx.sendTransaction(address, 1);
    expect(Buffer.from(sent.message, 'hex').toString()).toContain('to a smartContract');
  });

  it('share energy between user and creator as agreed', async () => {
    const creator = await fundedAccount(chain, 90_000_000_000n);
    const { tronWeb } = creator;
    const freeze = await tronWeb.transactionBuilder.freezeBalanceV2(
      50_000_000_000,
      'ENERGY',
      creator.address,
    );
    await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(freeze));
    await chain.mine();
    const deploy = await tronWeb.transactionBuilder.createSmartContract(
      {
        abi: artifact.abi as never,
        bytecode: artifact.bytecode,
        feeLimit: 1_000_000_000,
        userFeePercentage: 30,
        originEnergyLimit: 1_000_000,
        name: 'shared',
      },
      creator.hex,
    );
    await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(deploy));
    await chain.mine();
    const user = await fundedAccount(chain);
    const shared = user.tronWeb.contract(
      artifact.abi as never,
      deploy.contract_address,
    ) as never as Probe;
    const txId = await shared.transfer(user.address, 0).send();
    await chain.mine();
    const { receipt } = await receiptOf(txId);
    expect(receipt.origin_energy_usage).toBe(Math.floor(receipt.energy_usage_total * 0.7));
    expect(receipt.energy_fee).toBe(
      (receipt.energy_usage_total - receipt.origin_energy_usage) * 100,
    );
  });

  it('estimate the energy a call then takes', async () => {
    const payee = newAccount(chain);
    const parameters = [
      { type: 'address', value: payee.address },
      { type: 'uint256', value: 9 },
    ];
    const { transactionBuilder } = faucet();
    const estimate = await transactionBuilder.estimateEnergy(
      address,
      'transfer(address,uint256)',
      {},
      parameters,
    );
    const txId = await probe().transfer(payee.address, 9).send();
    await chain.mine();
    expect((await receiptOf(txId)).receipt.energy_usage_total).toBe(estimate.energy_required);
    const constant = await transactionBuilder.triggerConfirmedConstantContract(
      address,
      'chainId()',
      {},
      [],
    );
    expect(BigInt(`0x${constant.constant_result[0]}`)).toBe(BigInt(chain.chainId));
    const deployment = await transactionBuilder.deployConstantContract({
      input: artifact.bytecode,
      ownerAddress: faucet().defaultAddress.hex as string,
    });
    expect(deployment.energy_required).toBeGreaterThan(100_000);
  });

  it('must exist', async () => {
    const nowhere = newAccount(chain).hex;
    const owner = faucet().defaultAddress.hex;
    const call = {
      owner_address: owner,
      contract_address: nowhere,
      function_selector: 'x()',
      parameter: '',
    };
    for (const method of ['triggersmartcontract', 'triggerconstantcontract', 'estimateenergy']) {
      const answer = await post(chain, `/wallet/${method}`, call);
      expect(answer.result).toMatchObject({ code: 'CONTRACT_VALIDATE_ERROR' });
    }
  });
});

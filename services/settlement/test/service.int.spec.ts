import { createServer } from 'node:http';
import {
  credentials,
  Metadata as GrpcMetadata,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SettlementClient, Wallet } from '#libs/client';
import {
  Asset,
  type BatchState,
  DepositState,
  type GetDepositResponse,
  type GetDepositTargetsResponse,
  type GetSettlementStatusResponse,
  type ListBatchesResponse,
  type ListHeldDepositsResponse,
  type ListHeldPayoutsResponse,
  PayoutWay,
  type RunSettlementResponse,
  SettlementOperatorServiceClient,
  SettlementServiceClient,
} from '#libs/contracts';
import { fromHex } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER, runService } from '#libs/grpc';
import { createLogger, Health, Metrics } from '#libs/observability';
import { eventually, freePort } from '#libs/testing';
import { claimData, claimSetOf } from '#libs/tron';
import { settlementModule } from '../src/app.module.js';
import { Workers } from '../src/workers.js';
import { payee, TOKEN, UNIT, World } from './world.js';

let world: World;
let app: INestApplication;
let httpUrl: string;
let grpcUrl: string;
let settlement: SettlementServiceClient;
let operator: SettlementOperatorServiceClient;

type Done<T> = (error: ServiceError | null, response: T) => void;
const ask = <T>(call: (done: Done<T>) => unknown) =>
  new Promise<T>((resolve, reject) => {
    call((error, response) => (error === null ? resolve(response) : reject(error)));
  });
const reasonOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (failed: ServiceError) => failed,
  );
  return error?.metadata.get(REASON_TRAILER)[0];
};
const internal = (token = TOKEN): Metadata => {
  const metadata = new GrpcMetadata();
  metadata.set(INTERNAL_TOKEN_TRAILER, token);
  return metadata;
};
const listBatches = (cursor: string, limit: number) =>
  ask<ListBatchesResponse>((done) => settlement.listBatches({ page: { cursor, limit } }, done));
const runSettlement = (dryRun: boolean, metadata = internal()) =>
  ask<RunSettlementResponse>((done) =>
    operator.runSettlement({ dryRun, listPayees: true }, metadata, done),
  );

const heldDeposits = (cursor: string, limit: number, metadata = internal()) =>
  ask<ListHeldDepositsResponse>((done) =>
    operator.listHeldDeposits({ page: { cursor, limit } }, metadata, done),
  );
const heldPayouts = (cursor: string, limit: number, metadata = internal()) =>
  ask<ListHeldPayoutsResponse>((done) =>
    operator.listHeldPayouts({ page: { cursor, limit } }, metadata, done),
  );

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000n);
  const [httpPort, grpcPort, internalPort] = [await freePort(), await freePort(), await freePort()];
  // Once a year: runs come by hand in this test.
  const config = world.config({ SETTLEMENT_CRON: '0 0 0 1 1 *' });
  const host = '127.0.0.1';
  app = await runService({
    name: 'settlement',
    logger: createLogger({ name: 'settlement', level: 'silent' }),
    host,
    httpPort,
    module: settlementModule(config, createLogger({ name: 'settlement', level: 'silent' })),
    grpcPorts: [
      { host, reflection: false, port: grpcPort, services: ['SettlementService'] },
      { host, reflection: false, port: internalPort, services: ['SettlementOperatorService'] },
    ],
  });
  httpUrl = `http://${host}:${httpPort}`;
  const insecure = credentials.createInsecure();
  grpcUrl = `${host}:${grpcPort}`;
  settlement = new SettlementServiceClient(grpcUrl, insecure);
  operator = new SettlementOperatorServiceClient(`${host}:${internalPort}`, insecure);
});
afterAll(async () => {
  settlement.close();
  operator.close();
  await app.close();
  await world.stop();
});

describe('the settlement service', () => {
  it('becomes ready and shows its figures', async () => {
    await eventually(async () => {
      const ready = await fetch(`${httpUrl}/readyz`);
      expect(await ready.json()).toMatchObject({ ready: true });
    });
    await eventually(async () => {
      const text = await (await fetch(`${httpUrl}/metrics`)).text();
      expect(text).toMatch(/swarmledger_chain_solid_block\{[^}]*\} [1-9]/);
      expect(text).toMatch(/swarmledger_settlement_batches\{state="solidified"/);
    });
  });

  it('tells where deposits go and what became of them', async () => {
    const { targets } = await ask<GetDepositTargetsResponse>((done) =>
      settlement.getDepositTargets({}, done),
    );
    const { vaultAddress, trc20Address, trc10Id, hotWalletAddress } = world.place;
    expect(targets).toEqual([
      {
        asset: Asset.TRC20_BTT,
        address: vaultAddress,
        token: trc20Address,
        baseUnitsPerUnit: '1000000000000000',
      },
      {
        asset: Asset.TRC10_BTTOLD,
        address: hotWalletAddress,
        token: trc10Id,
        baseUnitsPerUnit: '1',
      },
    ]);
    const alice = await world.customer(0xa11ce, 0n, 100n);
    const txid = Buffer.from(await alice.sendTrc10(trc10Id, hotWalletAddress, 40n), 'hex');
    const deposit = await eventually(async () => {
      const found = await ask<GetDepositResponse>((done) => settlement.getDeposit({ txid }, done));
      expect(found.deposits[0]?.state).toBe(2);
      return found;
    });
    expect(deposit.deposits).toMatchObject([
      { index: 0, account: alice.address, amountUnits: 40n, asset: Asset.TRC10_BTTOLD },
    ]);
    expect(world.books.creditedTo(alice.address)).toBe(40n);
  });

  it('plans without touching, then runs and pays by itself', async () => {
    const ids = [1, 2, 3].map((number) =>
      world.books.request(
        number,
        number === 3 ? Asset.TRC10_BTTOLD : Asset.TRC20_BTT,
        payee(number),
        5n,
      ),
    );
    await eventually(() => {
      for (const id of ids) expect(world.books.stateOf(id)).toBe('QUEUED');
    });
    const drafts = (await runSettlement(true)).batches;
    expect(drafts).toMatchObject([
      { batchNo: 0n, payouts: 2, totalUnits: 10n },
      { batchNo: 0n, payouts: 1, totalUnits: 5n },
    ]);
    for (const id of ids) expect(world.books.stateOf(id)).toBe('QUEUED');
    expect((await runSettlement(false)).batches).toHaveLength(2);
    await eventually(() => {
      for (const id of ids) expect(world.books.stateOf(id)).toBe('SOLIDIFIED');
    });
    const first = await listBatches('', 1);
    expect(first.batches).toMatchObject([{ batchNo: 2n, state: 5 as BatchState }]);
    const second = await listBatches(first.nextCursor, 1);
    expect(second.batches).toMatchObject([{ batchNo: 1n, payouts: 2 }]);
    expect(second.nextCursor).toBe('');
    const status = await ask<GetSettlementStatusResponse>((done) =>
      operator.getSettlementStatus({}, internal(), done),
    );
    expect(status).toMatchObject({
      hotWallet: world.place.hotWalletAddress,
      paused: '',
      queued: 0n,
      transactionsSolidified: 2n,
    });
    expect(status.reserves.find(({ asset }) => asset === Asset.TRC20_BTT)?.reserveUnits).toBe(990n);
  });

  it('takes an operator’s word about a transaction from within only', async () => {
    const explain = (metadata: Metadata, change: object = {}) => {
      const request = { txid: Buffer.alloc(32, 5), operator: 'olga', reason: 'staked', ...change };
      return ask((done) => operator.explainTransaction(request, metadata, done));
    };
    expect(await reasonOf(explain(internal('wrong')))).toBe('UNAUTHENTICATED');
    expect(await reasonOf(explain(internal()))).toBe('NOT_FOUND');
    expect(await reasonOf(explain(internal(), { reason: '' }))).toBe('MALFORMED');
  });

  it('lists what waits for an operator, newest first, and counts it', async () => {
    const { trc20Address, vaultAddress, trc10Id, hotWalletAddress } = world.place;
    const bob = await world.customer(0xb0b, UNIT, 10n);
    // Dust waits for nobody; what the ledger will not book is held.
    const dust = Buffer.from(await bob.sendTrc20(trc20Address, vaultAddress, 5n), 'hex');
    world.books.refusing = bob.address;
    const held: Buffer[] = [];
    for (const units of [1n, 2n]) {
      held.unshift(Buffer.from(await bob.sendTrc10(trc10Id, hotWalletAddress, units), 'hex'));
    }
    const first = await eventually(async () => {
      const { deposits } = await heldDeposits('', 500);
      expect(deposits).toHaveLength(2);
      return await heldDeposits('', 1);
    });
    expect(first.deposits).toMatchObject([
      {
        deposit: {
          txid: held[0],
          account: bob.address,
          amountUnits: 2n,
          baseUnits: '2',
          state: DepositState.HELD,
        },
        note: 'MALFORMED: told to refuse',
      },
    ]);
    const second = await heldDeposits(first.nextCursor, 1);
    expect(second.deposits.map(({ deposit }) => deposit?.txid)).toEqual([held[1]]);
    expect(second.nextCursor).toBe('');
    const asked = await ask<GetDepositResponse>((done) =>
      settlement.getDeposit({ txid: dust }, done),
    );
    expect(asked.deposits).toMatchObject([{ state: DepositState.DUST, baseUnits: '5' }]);

    // The ledger says of two withdrawals that they are being paid, and nothing is known of it here.
    for (const number of [21, 22]) {
      const id = world.books.request(number, Asset.TRC20_BTT, payee(number), 5n);
      world.books.skipTo(id, 'BROADCAST');
    }
    const newest = await eventually(async () => {
      const { payouts } = await heldPayouts('', 500);
      expect(payouts).toHaveLength(2);
      return await heldPayouts('', 1);
    });
    expect(newest.payouts).toMatchObject([
      { destination: payee(22), amountUnits: 5n, asset: Asset.TRC20_BTT, requestedAtMs: 22n },
    ]);
    expect(newest.payouts[0]?.failure).toContain('no payment of it is on record');
    const older = await heldPayouts(newest.nextCursor, 1);
    expect(older).toMatchObject({ payouts: [{ destination: payee(21) }], nextCursor: '' });
    const status = await ask<GetSettlementStatusResponse>((done) =>
      operator.getSettlementStatus({}, internal(), done),
    );
    expect(status).toMatchObject({ heldDeposits: 2n, heldPayouts: 2n, suspenseDeposits: 0n });
    expect(await reasonOf(heldPayouts(first.nextCursor, 1))).toBe('BAD_CURSOR');
    expect(await reasonOf(heldDeposits(newest.nextCursor, 1))).toBe('BAD_CURSOR');
    expect(await reasonOf(heldDeposits('', 501))).toBe('LIMIT_EXCEEDED');
    expect(await reasonOf(heldDeposits('', 1, internal('guess')))).toBe('UNAUTHENTICATED');
    expect(await reasonOf(heldPayouts('', 1, internal('guess')))).toBe('UNAUTHENTICATED');
  });

  it('refuses what is wrong, each with its reason', async () => {
    const getDeposit = (txid: Buffer) =>
      ask<GetDepositResponse>((done) => settlement.getDeposit({ txid }, done));
    expect(await reasonOf(getDeposit(Buffer.alloc(3)))).toBe('MALFORMED');
    expect(await reasonOf(getDeposit(Buffer.alloc(32)))).toBe('NOT_FOUND');
    expect(await reasonOf(listBatches('nonsense', 1))).toBe('BAD_CURSOR');
    expect(await reasonOf(listBatches('', 501))).toBe('LIMIT_EXCEEDED');
    expect(await reasonOf(runSettlement(true, internal('guess')))).toBe('UNAUTHENTICATED');
    expect(await reasonOf(runSettlement(true, new GrpcMetadata()))).toBe('UNAUTHENTICATED');
  });

  it('gives a payee what it claims with, which the client holds against the vault', async () => {
    const { chainId, vaultAddress } = world.place;
    const [number, key] = [31, (0x10_000 + 31).toString(16).padStart(64, '0')];
    const wallet = new Wallet(fromHex(key), { chainId: BigInt(chainId), vaultAddress });
    const withdrawal = world.books.request(number, Asset.TRC20_BTT, payee(number), 5n, true);
    const id = Buffer.from(withdrawal, 'hex');
    const client = new SettlementClient(grpcUrl);
    const onChain = (set: Uint8Array) => claimSetOf(world.chain, vaultAddress, set);
    await expect(client.claim(wallet, id, onChain)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await eventually(() => expect(world.books.stateOf(withdrawal)).toBe('QUEUED'));
    const { batches, plan } = await runSettlement(true);
    expect(batches.map(({ toClaim }) => toClaim)).toEqual([true]);
    expect(plan?.transactions.map(({ way }) => way)).toEqual([PayoutWay.CLAIM]);
    await runSettlement(false);
    await eventually(async () => expect(world.books.stateOf(withdrawal)).toBe('CLAIMABLE'));
    const { leaf, proof, units } = await client.claim(wallet, id, onChain);
    expect(units).toBe(5n);
    const lie = async (set: Uint8Array) => ({ ...(await onChain(set)), root: '00'.repeat(32) });
    await expect(client.claim(wallet, id, lie)).rejects.toThrow('another claim set');
    await world.faucet.trigger(vaultAddress, claimData(leaf, proof));
    await eventually(async () => expect(world.books.stateOf(withdrawal)).toBe('SOLIDIFIED'));
    expect(await world.trc20Of(payee(number))).toBe(5n * UNIT);
    client.close();
  });

  it('does not use a key in clear, except on a local chain', async () => {
    const foreign = createServer((_request, response) => {
      const raw_data = { witness_address: `41${'11'.repeat(20)}` };
      response.end(JSON.stringify({ block_header: { raw_data } }));
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const { port } = foreign.address() as { port: number };
    const startOn = (nodeUrl: string) => {
      const config = {
        ...world.config(),
        nodes: [{ url: nodeUrl, timeoutMs: 1_000 }],
      };
      const health = new Health();
      const parts = world.boot();
      const silent = createLogger({ name: 'test', level: 'silent' });
      const workers = new Workers(config, parts, silent, new Metrics('test'), health);
      return { health, workers, started: workers.onApplicationBootstrap() };
    };
    const refused = startOn(`http://127.0.0.1:${port}`);
    await expect(refused.started).rejects.toThrow(/does not start.*key in clear.*not a local one/);
    await refused.workers.onApplicationShutdown();

    const local = startOn(world.devchain.url);
    await local.started;
    expect((await local.health.report()).checks['deposit watcher']).toBe('ok');
    await local.workers.onApplicationShutdown();

    // A node that only answers later is found out before anything is done.
    foreign.closeAllConnections();
    await new Promise((resolve) => foreign.close(resolve));
    const silent = startOn(`http://127.0.0.1:${port}`);
    await silent.started;
    await new Promise<void>((resolve) => foreign.listen(port, '127.0.0.1', resolve));
    await eventually(async () => {
      const { checks } = await silent.health.report();
      expect(checks['deposit watcher']).toContain('holds a key in clear');
      expect(checks['batch driver']).toContain('holds a key in clear');
    });
    await silent.workers.onApplicationShutdown();
    foreign.closeAllConnections();
    foreign.close();
  });

  it('is not ready while the node is gone, and says so', async () => {
    await world.devchain.stop();
    await eventually(
      async () => {
        const ready = await fetch(`${httpUrl}/readyz`);
        expect(ready.status).toBe(503);
        expect(await ready.text()).toContain('cannot be reached');
      },
      { timeoutMs: 20_000 },
    );
    const status = ask<GetSettlementStatusResponse>((done) =>
      operator.getSettlementStatus({}, internal(), done),
    );
    expect(await reasonOf(status)).toBe('UNAVAILABLE');
  });
});

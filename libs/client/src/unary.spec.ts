import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { GetNetworkResponse } from '#libs/contracts';
import { refuse } from '#libs/domain';
import { readSession, toGrpcError } from '#libs/grpc';
import { LedgerRefusal, LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { LedgerClient } from './ledger.client.js';
import { streaming, TestServer, unary } from './test-server.js';
import { Wallet } from './wallet.js';

const network: GetNetworkResponse = {
  chainId: 1n,
  vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8',
  trc20Address: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8',
  trc10Id: '1000001',
  partitions: 8,
  disputeWindowMs: 600_000n,
  nowMs: BigInt(Date.now() + 3_600_000),
  withdrawalMinUnits: 1n,
  withdrawalMaxUnits: 1000n,
  withdrawalAccountDayUnits: 10_000n,
  withdrawalFeeUnits: 1n,
  sessionKeysMax: 32,
  sessionKeyLifeMaxMs: 1_000n,
};
const policy = { deadlineMs: 600, retryForMs: 1_200, backoffMinMs: 10, backoffMaxMs: 50 };
const none = { availableUnits: 0n, heldUnits: 0n, inChannelsUnits: 0n, withdrawingUnits: 0n };
const balances = { ...none, address: 'T', availableUnits: 5n };

let server: TestServer;
let client: LedgerClient;

async function serve(methods: ConstructorParameters<typeof TestServer>[0]) {
  server = await new TestServer({ getNetwork: unary(() => network), ...methods }).start();
  client = await LedgerClient.connect(server.address, { policy });
  return client.account(Wallet.generate(client.network.domain));
}

afterEach(() => {
  client?.close();
  server?.kill();
});

describe('a unary call', () => {
  it('reads the network and keeps the ledger’s clock', async () => {
    await serve({});
    expect(client.network.domain).toEqual({ chainId: 1n, vaultAddress: network.vaultAddress });
    expect(Math.abs(client.nowMs() - Date.now() - 3_600_000)).toBeLessThan(5_000);
  });

  it('rejects with the reason of the server and does not repeat', async () => {
    let calls = 0;
    const account = await serve({
      transfer: unary(() => {
        calls += 1;
        throw toGrpcError(refuse('INSUFFICIENT_FUNDS', 'too poor'));
      }),
    });
    const sent = account.transfer({ payee: account.wallet.address, amountUnits: 1n });
    await expect(sent).rejects.toMatchObject({ reason: 'INSUFFICIENT_FUNDS', detail: 'too poor' });
    await expect(sent).rejects.toBeInstanceOf(LedgerRefusal);
    expect(calls).toBe(1);
  });

  it('repeats the very same request until a service is back', async () => {
    const ids: string[] = [];
    const account = await serve({
      transfer: unary((request: { transferId: Buffer }) => {
        ids.push(request.transferId.toString('hex'));
        if (ids.length < 3) throw toGrpcError(refuse('UNAVAILABLE', 'no database'));
        return { bookedAtMs: 1n };
      }),
    });
    await account.transfer({ payee: account.wallet.address, amountUnits: 1n });
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it('keeps what the ledger said last when it gives up', async () => {
    const account = await serve({
      getAccount: unary(() => {
        throw toGrpcError(refuse('OVERLOADED', 'later'));
      }),
    });
    await expect(account.balances()).rejects.toMatchObject({
      name: 'LedgerUnavailable',
      reason: 'OVERLOADED',
    });
  });

  it('survives a killed server', async () => {
    const account = await serve({ getAccount: unary(() => ({ balances })) });
    await account.balances();
    server.kill();
    setTimeout(() => void server.start(), 200);
    expect(await account.balances()).toEqual(balances);
  });

  it('says UNAVAILABLE when nobody listens, since then nothing was sent', async () => {
    await serve({});
    client.close();
    // One attempt: of one that ends with the time, nobody could say that it was not sent.
    const once = {
      deadlineMs: 15_000,
      retryForMs: 15_000,
      backoffMinMs: 40_000,
      backoffMaxMs: 40_000,
    };
    client = await LedgerClient.connect(server.address, { policy: once });
    const account = client.account(Wallet.generate(client.network.domain));
    server.kill();
    const sent = account.transfer({ payee: account.wallet.address, amountUnits: 1n });
    await expect(sent).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  it('says the outcome of a write is unknown when its answer stays out, but not of a read', async () => {
    const silent = unary(() => undefined);
    const account = await serve({ transfer: silent, getAccount: silent });
    const startMs = Date.now();
    const sent = account.transfer({ payee: account.wallet.address, amountUnits: 1n });
    await expect(sent).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(Date.now() - startMs).toBeLessThan(policy.retryForMs + 5_000);
    await expect(account.balances()).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  it('does not hammer a server that fails by itself, nor one that lacks the method', async () => {
    let calls = 0;
    const account = await serve({
      getAccount: unary(() => {
        calls += 1;
        throw Object.assign(new Error('bug'), { code: status.INTERNAL });
      }),
    });
    await expect(account.balances()).rejects.toBeInstanceOf(LedgerUnavailable);
    expect(calls).toBe(3);
    await expect(account.listHistory()).rejects.toThrow('UNIMPLEMENTED');
  });

  it('signs a new session once when the old one is turned down', async () => {
    const sessions: string[] = [];
    const account = await serve({
      getAccount: unary((_, call) => {
        const claim = readSession(call.metadata, BigInt(Math.floor(client.nowMs())));
        if (!claim.ok) throw toGrpcError(claim);
        sessions.push(String(claim.value.validUntilMs));
        if (sessions.length < 2) throw toGrpcError(refuse('UNAUTHENTICATED', 'no such session'));
        return { balances };
      }),
    });
    expect(await account.balances()).toEqual(balances);
    expect(sessions).toHaveLength(2);
  });

  it('is rejected, not thrown, on a closed client', async () => {
    const account = await serve({ getAccount: unary(() => ({ balances })) });
    client.close();
    await expect(account.balances()).rejects.toBeInstanceOf(LedgerUnavailable);
  });
});

describe('watching the balance', () => {
  it('goes on after a lost connection and ends at the wanted balance', async () => {
    let opened = 0;
    const account = await serve({
      watchAccount: streaming((call) => {
        opened += 1;
        call.write({ balances: { ...balances, availableUnits: BigInt(opened) } });
        if (opened < 3) call.emit('error', toGrpcError(refuse('UNAVAILABLE', 'stopping')));
      }),
    });
    const found = await account.waitFor((now) => now.availableUnits === 3n, 2_000);
    expect(found.availableUnits).toBe(3n);
  });

  it('gives up after its time, and at once when refused', async () => {
    const account = await serve({
      watchAccount: streaming((call) => void call.write({ balances })),
    });
    await expect(account.waitFor(() => false, 200)).rejects.toBeInstanceOf(LedgerUnavailable);
    server.kill();
    server = await new TestServer({
      getNetwork: unary(() => network),
      watchAccount: streaming((call) => {
        call.emit('error', toGrpcError(refuse('ACCOUNT_UNKNOWN', 'who?')));
      }),
    }).start();
    client.close();
    client = await LedgerClient.connect(server.address, { policy });
    const stranger = client.account(account.wallet);
    await expect(stranger.waitFor(() => false, 2_000)).rejects.toBeInstanceOf(LedgerRefusal);
  });
});

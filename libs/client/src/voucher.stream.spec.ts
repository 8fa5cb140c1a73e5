import { afterEach, describe, expect, it } from 'vitest';
import { Reason, type StreamVouchersRequest } from '#libs/contracts';
import { refuse } from '#libs/domain';
import { toGrpcError } from '#libs/grpc';
import { LedgerRefusal, LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { owedAtLeast, type PaymentResults } from './outcomes.js';
import { acceptAll, refuseAll, type ServerStream, TestServer, unary } from './test-server.js';
import { VoucherClient } from './voucher.client.js';
import { newId, Wallet } from './wallet.js';

const domain = { chainId: 1n, vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8' };
const wallet = Wallet.generate(domain);
const channelId = newId();
const policy = { deadlineMs: 600, retryForMs: 1_800, backoffMinMs: 10, backoffMaxMs: 50 };

function paying(cumulativeUnits: bigint) {
  const claim = { channelId, payee: wallet.address, cumulativeUnits, validUntilMs: 9n };
  return { vouchers: [wallet.voucher(claim)] };
}
function owed(results: PaymentResults) {
  return results.vouchers.map(owedAtLeast);
}

let server: TestServer;
let client: VoucherClient;

async function serve(onBatch: (request: StreamVouchersRequest, call: ServerStream) => void) {
  const streamVouchers = (call: ServerStream) => {
    call.on('data', (request: StreamVouchersRequest) => onBatch(request, call));
    call.on('end', () => call.end());
    call.on('error', () => {});
  };
  server = await new TestServer({ streamVouchers }).start();
  client = new VoucherClient(server.address, { policy });
  return client.stream({ inFlightMax: 4 });
}

afterEach(() => {
  client?.close();
  server?.kill();
});

describe('VoucherStream', () => {
  it('matches answers to batches by sequence, in any order', async () => {
    const held: StreamVouchersRequest[] = [];
    const stream = await serve((request, call) => {
      held.push(request);
      if (held.length < 3) return;
      for (const { sequence, ...rest } of held.reverse()) {
        call.write({ sequence, outcomes: acceptAll({ sequence, ...rest }) });
      }
    });
    const results = await Promise.all([1n, 2n, 3n].map((units) => stream.send(paying(units))));
    expect(results.map(owed)).toEqual([[1n], [2n], [3n]]);
    await stream.close();
    await expect(stream.send(paying(4n))).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  it('keeps no more batches in flight than it may', async () => {
    let inFlight = 0;
    let most = 0;
    const stream = await serve((request, call) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setTimeout(() => {
        inFlight -= 1;
        call.write({ sequence: request.sequence, outcomes: acceptAll(request) });
      }, 5);
    });
    await Promise.all(Array.from({ length: 20 }, (_, at) => stream.send(paying(BigInt(at + 1)))));
    expect(most).toBe(4);
    await stream.close();
  });

  it('sends unanswered batches again after the server was killed', async () => {
    const seen: bigint[] = [];
    let up = false;
    const stream = await serve((request, call) => {
      seen.push(request.sequence);
      if (up) call.write({ sequence: request.sequence, outcomes: acceptAll(request) });
      else if (seen.length === 3) server.kill();
    });
    const sent = Promise.all([1n, 2n, 3n].map((units) => stream.send(paying(units))));
    setTimeout(() => {
      up = true;
      void server.start();
    }, 200);
    expect((await sent).map(owed)).toEqual([[1n], [2n], [3n]]);
    expect(seen.slice(-3)).toEqual([1n, 2n, 3n]);
    expect(stream.reconnects).toBeGreaterThan(0);
  });

  it('opens a new call when the server ends one, or leaves a batch without an answer', async () => {
    let batches = 0;
    const stream = await serve((request, call) => {
      batches += 1;
      if (batches === 1) call.end();
      else if (batches > 2)
        call.write({ sequence: request.sequence, outcomes: acceptAll(request) });
    });
    expect(owed(await stream.send(paying(1n)))).toEqual([1n]);
    expect([batches, stream.reconnects]).toEqual([3, 2]);
  });

  it('sends again only what was refused for now', async () => {
    let batches = 0;
    const stream = await serve((request, call) => {
      batches += 1;
      const outcomes = batches < 3 ? refuseAll(request, Reason.OVERLOADED) : acceptAll(request);
      call.write({ sequence: request.sequence, outcomes });
    });
    expect(owed(await stream.send(paying(1n)))).toEqual([1n]);
    expect(batches).toBe(3);
  });

  it('leaves a payment refused for now in the result when the time is over', async () => {
    const stream = await serve((request, call) => {
      const outcomes = refuseAll(request, Reason.UNAVAILABLE);
      call.write({ sequence: request.sequence, outcomes });
    });
    const { vouchers } = await stream.send(paying(1n));
    expect(vouchers).toMatchObject([{ status: 'refused', reason: 'UNAVAILABLE' }]);
  });

  it('tells an unreachable ledger from a silent one', async () => {
    const silent = await serve(() => {});
    await expect(silent.send(paying(1n))).rejects.toBeInstanceOf(OutcomeUnknown);
    const absent = await new TestServer({ streamVouchers: () => {} }).start();
    absent.kill();
    // Nothing was sent, which is only known when no attempt is under way as the time ends.
    const pause = { backoffMinMs: 60_000, backoffMaxMs: 60_000 };
    const patient = { ...policy, ...pause, deadlineMs: 10_000, retryForMs: 2_000 };
    const stranger = new VoucherClient(absent.address, { policy: patient });
    const nobody = stranger.stream();
    await expect(nobody.send(paying(1n))).rejects.toBeInstanceOf(LedgerUnavailable);
    stranger.close();
  });

  it('hands a refusal of the stream to every batch and can be used again', async () => {
    let refusing = true;
    const stream = await serve((request, call) => {
      if (refusing) call.emit('error', toGrpcError(refuse('LIMIT_EXCEEDED', 'too much')));
      else call.write({ sequence: request.sequence, outcomes: acceptAll(request) });
    });
    await expect(stream.send(paying(1n))).rejects.toMatchObject({ reason: 'LIMIT_EXCEEDED' });
    refusing = false;
    expect(owed(await stream.send(paying(2n)))).toEqual([2n]);
  });

  it('refuses a batch that is too large without sending it, and an answer that does not fit', async () => {
    const stream = await serve((request, call) => {
      call.write({
        sequence: request.sequence,
        outcomes: { vouchers: [], ticks: [], bundles: [] },
      });
    });
    const many = { vouchers: new Array(4097).fill(paying(1n).vouchers[0]) };
    await expect(stream.send(many)).rejects.toBeInstanceOf(LedgerRefusal);
    await expect(stream.send(paying(1n))).rejects.toBeInstanceOf(OutcomeUnknown);
  });
});

describe('VoucherClient.post', () => {
  it('posts a batch by itself and repeats what was refused for now', async () => {
    let calls = 0;
    const postVouchers = unary((request: StreamVouchersRequest) => {
      calls += 1;
      return { outcomes: calls < 2 ? refuseAll(request, Reason.UNAVAILABLE) : acceptAll(request) };
    });
    server = await new TestServer({ postVouchers }).start();
    client = new VoucherClient(server.address, { policy });
    expect(owed(await client.post(paying(3n)))).toEqual([3n]);
    expect(calls).toBe(2);
  });
});

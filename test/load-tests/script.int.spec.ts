import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Wallet } from '#libs/client';
import {
  type PostVouchersRequest,
  type PostVouchersResponse,
  reasonToWire,
  SERVICE_DEFINITIONS,
  type StreamVouchersRequest,
  type StreamVouchersResponse,
  type Voucher,
} from '#libs/contracts';
import { verify } from '#libs/crypto';
import { addressFromBytes, type Reason, type SigningDomain } from '#libs/domain';
import { ROOT } from '../../deploy/checks/src/tools.js';
import { type Corpus, depositFor, signCorpus } from '../../load-tests/src/corpus.js';
import { type EngineResult, runEngine } from '../../load-tests/src/engine.js';
import { parseLoadOptions } from '../../load-tests/src/options.js';
import { planOf, requestsOf } from '../../load-tests/src/plan.js';
import { readAckLog } from '../../load-tests/src/reconcile.js';
import type { ScenarioName } from '../../load-tests/src/scenarios.js';

/*
 * The k6 script runs under the stand-in against a small VoucherService of this test, which checks signatures as the
 * ledger does and can be told to misbehave: the script must notice.
 */
type Misbehaviour =
  | 'none'
  | 'puts off'
  | 'accepts anything'
  | 'refuses good ones'
  | 'understates'
  | 'fails';
const DOMAIN: SigningDomain = {
  chainId: 5n,
  vaultAddress: addressFromBytes(new Uint8Array(20).fill(9)),
};
const payer = new Wallet(new Uint8Array(32).fill(3), DOMAIN);
const payee = new Wallet(new Uint8Array(32).fill(4), DOMAIN).address;
const options = parseLoadOptions([
  '--rate',
  '400',
  '--batch',
  '20',
  '--seconds',
  '1',
  '--p99-ms',
  '10000',
  '--bad',
  '5',
]);
const size = {
  requests: requestsOf(options).total,
  batchItems: options.batchItems,
  badPercent: 5,
  validUntilMs: BigInt(Date.now() + 60_000),
};
const depositUnits = depositFor(size, 10);
const channelIds = Array.from({ length: 10 }, (_, number) => new Uint8Array(32).fill(number + 1));

// Reasons that a misbehaving ledger gives whatever it is sent.
const FORCED: Partial<Record<Misbehaviour, Reason>> = {
  'refuses good ones': 'CHANNEL_CLOSED',
  'puts off': 'OVERLOADED',
};

let corpus: Corpus;
let server: Server;
let port: number;
let folder: string;
let misbehaviour: Misbehaviour = 'none';

function refusalOf(voucher: Voucher): Reason | undefined {
  if (!channelIds.some((id) => Buffer.from(id).equals(voucher.channelId))) return 'CHANNEL_UNKNOWN';
  if (voucher.validUntilMs < Date.now()) return 'EXPIRED';
  if (voucher.cumulativeUnits > depositUnits) return 'ABOVE_DEPOSIT';
  const digest = payer.digests.voucher({ ...voucher, payee });
  return verify(digest, voucher.signature, payer.publicKey) ? undefined : 'BAD_SIGNATURE';
}

function answer({ batch }: PostVouchersRequest): PostVouchersResponse {
  const vouchers = (batch?.vouchers ?? []).map((voucher) => {
    const honest = misbehaviour === 'accepts anything' ? undefined : refusalOf(voucher);
    const reason = FORCED[misbehaviour] ?? honest;
    if (reason !== undefined) {
      const value = { reason: reasonToWire(reason), detail: '', acceptedUnits: 0n };
      return { result: { $case: 'refusal' as const, value } };
    }
    const acceptedUnits = voucher.cumulativeUnits - (misbehaviour === 'understates' ? 1n : 0n);
    const { channelId } = voucher;
    return {
      result: {
        $case: 'receipt' as const,
        value: { channelId, acceptedUnits, partition: 0, offset: 0n },
      },
    };
  });
  return { outcomes: { vouchers, ticks: [], bundles: [] } };
}

beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist/load-tests/src/stand-in/main.js'))) {
    throw new Error('dist/load-tests is missing: build first (npm run build)');
  }
  const sign = (claim: Parameters<typeof payer.digests.voucher>[0]) =>
    payer.sign(payer.digests.voucher(claim));
  corpus = signCorpus(
    channelIds.map((channelId) => ({
      channelId,
      payee,
      depositUnits,
      sign: (claim) => sign({ ...claim, payee }),
    })),
    size,
  );
  server = new Server();
  server.addService(SERVICE_DEFINITIONS.VoucherService, {
    postVouchers: (
      call: { request: PostVouchersRequest },
      done: (error: object | null, value?: PostVouchersResponse) => void,
    ) => {
      if (misbehaviour === 'fails') done({ code: status.UNAVAILABLE, details: 'told to' });
      else done(null, answer(call.request));
    },
    streamVouchers: (call: ServerDuplexStream<StreamVouchersRequest, StreamVouchersResponse>) => {
      call.on('data', ({ sequence, batch }: StreamVouchersRequest) => {
        if (misbehaviour === 'fails') call.emit('error', { code: status.UNAVAILABLE });
        else call.write({ sequence, ...answer({ batch }) });
      });
      call.on('end', () => call.end());
    },
    streamPacked: () => undefined,
  });
  port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
});
afterAll(() => server.forceShutdown());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-load-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(how: Misbehaviour, name: ScenarioName = 'unary'): Promise<EngineResult> {
  misbehaviour = how;
  const places = {
    target: `127.0.0.1:${port}`,
    protoRoot: join(ROOT, 'proto'),
    corpusFile: join(folder, 'corpus.json'),
    summaryFile: join(folder, 'summary.json'),
  };
  writeFileSync(places.corpusFile, JSON.stringify(corpus));
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(planOf(options, name, places)));
  const files = {
    root: ROOT,
    folder,
    planFile: join(folder, 'plan.json'),
    summaryFile: places.summaryFile,
  };
  return await runEngine({ kind: 'node' }, files);
}
const failing = ({ summary }: EngineResult) =>
  Object.entries(summary.metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.values(thresholds).every(({ ok }) => ok) ? [] : [name],
  );
const count = ({ summary }: EngineResult, name: string) => summary.metrics[name]?.values.count;

describe('load-tests/k6/vouchers.js', () => {
  it.each(['unary', 'stream'] as const)(
    'sends the whole corpus once by %s calls and writes down what was acknowledged',
    async (name) => {
      const result = await run('none', name);
      expect(failing(result)).toEqual([]);
      const total = size.requests * size.batchItems;
      const bad = total * 0.05;
      expect(count(result, 'vouchers_accepted')).toBe(total - bad);
      expect(count(result, 'vouchers_refused_as_expected')).toBe(bad);
      const log = readAckLog(result.ackLog, corpus);
      expect(log).toMatchObject({ answered: size.requests, ackedVouchers: total - bad });
      for (const { ackedUnits, sentUnits } of log.channels.values())
        expect(ackedUnits).toBe(sentUnits);
    },
  );

  it.each<[Misbehaviour, string]>([
    ['accepts anything', 'vouchers_wrong'],
    ['refuses good ones', 'vouchers_wrong'],
    ['understates', 'vouchers_wrong'],
    ['fails', 'requests_failed'],
    ['puts off', 'vouchers_not_now'],
  ])('notices a ledger that %s', async (how, metric) => {
    const result = await run(how, 'unary');
    const streamed = await run(how, 'stream');
    expect(failing(streamed)).toContain(metric);
    expect(failing(result)).toContain(metric);
    const log = readAckLog(result.ackLog, corpus);
    expect(log.complaints.length).toBeGreaterThan(0);
    if (how !== 'accepts anything') expect(log.ackedVouchers).toBe(0);
  });

  it('reports what the engine said when it could not run', async () => {
    const files = {
      root: ROOT,
      folder,
      planFile: '/nowhere/plan.json',
      summaryFile: join(folder, 's.json'),
    };
    await expect(runEngine({ kind: 'node' }, files)).rejects.toThrow(/nowhere\/plan\.json/);
  });
});

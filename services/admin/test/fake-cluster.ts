import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import {
  Asset,
  type Batch,
  BatchState,
  type DecideBatchRequest,
  DepositState,
  type GetBatchRequest,
  type GetSettlementStatusResponse,
  type GetTotalsResponse,
  type HeldDeposit,
  type HeldPayout,
  type ResolveDepositRequest,
  type Round,
  type RunSettlementRequest,
  SERVICE_DEFINITIONS,
} from '#libs/contracts';
import { type Refusal, refuse } from '#libs/domain';
import { RefusedError, requireInternal, toGrpcError } from '#libs/grpc';
import { ACCOUNT, type Approvals, batch, decideBatch, getBatch } from './fake-batches.js';

export const INTERNAL_TOKEN = 'internal-token-of-the-tests';

/** What the other services say; tests change it while the dashboard runs. */
export type ClusterState = Approvals & {
  totals: GetTotalsResponse;
  status: GetSettlementStatusResponse;
  batches: Batch[];
  due: Batch[];
  heldDeposits: HeldDeposit[];
  heldPayouts: HeldPayout[];
  rounds: Round[];
  checks: Record<string, string>;
  accepted: number;
  runRefusal: Refusal | undefined;
  runs: boolean[];
  resolutions: ResolveDepositRequest[];
  /** What of a decision gets lost: settlement never hears of it, or its answer never comes. */
  lost: 'nothing' | 'request' | 'answer';
  losses: number;
};

/** The gRPC and HTTP ports of the other services, in this process. */
export type FakeCluster = {
  readonly state: ClusterState;
  readonly grpcUrl: string;
  readonly opsUrl: string;
  stop(): Promise<void>;
};

export async function startFakeCluster(): Promise<FakeCluster> {
  const state = initialState();
  const grpc = grpcServer(state);
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const ops = opsServer(state);
  await new Promise<void>((resolve) => ops.listen(0, '127.0.0.1', resolve));
  return {
    state,
    grpcUrl: `127.0.0.1:${port}`,
    opsUrl: `http://127.0.0.1:${(ops.address() as AddressInfo).port}`,
    stop: async () => {
      grpc.forceShutdown();
      ops.closeAllConnections();
      await new Promise((resolve) => ops.close(resolve));
    },
  };
}

function grpcServer(state: ClusterState): Server {
  const server = new Server();
  const answer =
    <Req, Res>(make: (request: Req) => Res | typeof NEVER, internal = false) =>
    (call: ServerUnaryCall<Req, Res>, done: sendUnaryData<Res>) => {
      try {
        if (internal) requireInternal(call.metadata, INTERNAL_TOKEN);
        const answered = make(call.request);
        if (answered !== NEVER) done(null, answered);
      } catch (error) {
        done(error instanceof RefusedError ? toGrpcError(error.refusal) : (error as Error));
      }
    };
  server.addService(SERVICE_DEFINITIONS.LedgerService, { getTotals: answer(() => state.totals) });
  server.addService(SERVICE_DEFINITIONS.MarketService, {
    listRounds: answer(() => ({ rounds: state.rounds, nextCursor: '' })),
  });
  server.addService(SERVICE_DEFINITIONS.SettlementService, {
    listBatches: answer(() => ({ batches: state.batches, nextCursor: '' })),
  });
  server.addService(SERVICE_DEFINITIONS.SettlementOperatorService, {
    getSettlementStatus: answer(
      () => ({ ...state.status, undecidedBatches: BigInt(state.undecided.length) }),
      true,
    ),
    listHeldDeposits: answer(() => ({ deposits: state.heldDeposits, nextCursor: '' }), true),
    listHeldPayouts: answer(() => ({ payouts: state.heldPayouts, nextCursor: '' }), true),
    listUndecidedBatches: answer(() => ({ batches: state.undecided, nextCursor: '' }), true),
    getBatch: answer((request: GetBatchRequest) => getBatch(state, request), true),
    decideBatch: answer((request: DecideBatchRequest) => {
      if (state.runRefusal !== undefined) throw new RefusedError(state.runRefusal);
      if (state.lost === 'request') return lose(state);
      const decided = decideBatch(state, request);
      return state.lost === 'answer' ? lose(state) : decided;
    }, true),
    resolveDeposit: answer((request: ResolveDepositRequest) => {
      state.resolutions.push(request);
      if (state.runRefusal !== undefined) throw new RefusedError(state.runRefusal);
      const held = state.heldDeposits[0]?.deposit;
      state.heldDeposits = [];
      state.status.suspenseDeposits = 0n;
      return {
        deposit: held === undefined ? undefined : { ...held, state: DepositState.CREDITED },
        repeatedRequest: false,
      };
    }, true),
    runSettlement: answer(({ dryRun }: RunSettlementRequest) => {
      state.runs.push(dryRun);
      if (state.runRefusal !== undefined) throw new RefusedError(state.runRefusal);
      return { batches: state.due };
    }, true),
  });
  return server;
}

/** Stands for an answer that does not come. */
const NEVER = Symbol('never');

function lose(state: ClusterState): typeof NEVER {
  state.losses += 1;
  return NEVER;
}

function opsServer(state: ClusterState): HttpServer {
  return createServer((request, response) => {
    if (request.url === '/readyz') {
      const ready = Object.values(state.checks).every((text) => text === 'ok');
      response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ready, checks: state.checks }));
    } else if (request.url === '/metrics') response.end(metricsText(state));
    else response.writeHead(404).end();
  });
}

function metricsText(state: ClusterState): string {
  const startedAtSeconds = Date.now() / 1_000 - 4_000;
  return [
    `process_start_time_seconds{service="ingest"} ${startedAtSeconds}`,
    'process_resident_memory_bytes{service="ingest"} 134217728',
    `swarmledger_payments_accepted_total{kind="voucher",service="ingest"} ${state.accepted}`,
    'swarmledger_payments_accepted_total{kind="tick",service="ingest"} 7',
    'swarmledger_build_info{version="0.1.0",service="ingest"} 1',
  ].join('\n');
}

/** A small cluster in good order. */
export function initialState(): ClusterState {
  const nowMs = BigInt(Date.now());
  return {
    totals: {
      assets: [
        { asset: Asset.TRC20_BTT, depositedUnits: 12_500_250_000n, withdrawnUnits: 1_000_000_000n },
        { asset: Asset.TRC10_BTTOLD, depositedUnits: 7_750_000_000n, withdrawnUnits: 0n },
      ],
      availableUnits: 14_000_250_000n,
      heldUnits: 750_000_000n,
      inChannelsUnits: 4_000_000_000n,
      withdrawingUnits: 490_000_000n,
      feesUnits: 10_000_000n,
      suspenseUnits: 0n,
      channelsOpened: 1_240n,
      channelsClosed: 1_198n,
      postings: 81_442n,
      conserved: true,
      firstDifference: '',
      logRecordsApplied: 5_120n,
    },
    status: {
      headBlock: 4_821n,
      solidBlock: 4_802n,
      nextDepositBlock: 4_803n,
      hotWallet: ACCOUNT,
      hotWalletSun: 1_204_500_000n,
      queued: 3n,
      paused: '',
      reserves: [
        { asset: Asset.TRC20_BTT, reserveUnits: 11_500_250_000n },
        { asset: Asset.TRC10_BTTOLD, reserveUnits: 7_750_000_000n },
      ],
      transactionsSolidified: 61n,
      heldDeposits: 0n,
      heldPayouts: 0n,
      suspenseDeposits: 0n,
      misdirectedDeposits: 0n,
      foreignTokens: 0n,
      undecidedBatches: 0n,
      claimablePayouts: 0n,
    },
    batches: [
      batch(7n, BatchState.BROADCAST, nowMs - 4_000n),
      batch(6n, BatchState.SOLIDIFIED, nowMs - 94_000n),
    ],
    undecided: [],
    decisions: [],
    due: [batch(8n, BatchState.PLANNED, nowMs)],
    heldDeposits: [],
    heldPayouts: [],
    rounds: [
      {
        roundNo: 311n,
        swarm: Buffer.alloc(20, 0xab),
        clearedAtMs: nowMs - 2_000n,
        priceUnits: 1_500n,
        slotsMatched: 12,
        transcriptHash: Buffer.alloc(32),
      },
    ],
    checks: { kafka: 'ok', channels: 'ok' },
    accepted: 1_000,
    runRefusal: undefined,
    runs: [],
    resolutions: [],
    lost: 'nothing',
    losses: 0,
  };
}

/** Lets one payout be held and one deposit stand in suspense. */
export function letWait(state: ClusterState, failure: string): void {
  const account = ACCOUNT;
  state.status.heldPayouts = 1n;
  state.status.suspenseDeposits = 1n;
  state.heldPayouts = [
    {
      withdrawalId: Buffer.alloc(32, 7),
      asset: Asset.TRC20_BTT,
      account,
      destination: account,
      amountUnits: 2_500_000n,
      failure,
      requestedAtMs: 1n,
      heldAtMs: BigInt(Date.now()),
    },
  ];
  const deposit = {
    txid: Buffer.alloc(32, 8),
    index: 0,
    asset: Asset.TRC10_BTTOLD,
    account,
    amountUnits: 3_000_000n,
    state: DepositState.SUSPENSE,
    blockNumber: 5n,
    baseUnits: '3000000',
    note: '',
  };
  state.heldDeposits = [{ deposit, note: 'its sender is a contract', seenAtMs: 1n }];
}

export const unavailable = () => refuse('UNAVAILABLE', 'the TRON node does not answer');

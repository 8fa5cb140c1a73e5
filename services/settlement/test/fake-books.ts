import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  type AdvanceWithdrawalRequest,
  type AdvanceWithdrawalResponse,
  Asset,
  type CreditDepositRequest,
  type CreditDepositResponse,
  type ListOpenWithdrawalsRequest,
  type ListOpenWithdrawalsResponse,
  type ResolveSuspenseRequest,
  type ResolveSuspenseResponse,
  SERVICE_DEFINITIONS,
  type SnapshotLiabilitiesResponse,
  Withdrawal,
  WithdrawalState,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, toGrpcError } from '#libs/grpc';

const FINAL: readonly WithdrawalState[] = [
  WithdrawalState.SOLIDIFIED,
  WithdrawalState.REFUNDED,
  WithdrawalState.CANCELLED,
];

/** The books in memory behind real gRPC, with the ledger's rules for repeats and final states. */
export class FakeBooks {
  readonly deposits = new Map<string, CreditDepositRequest>();
  readonly withdrawals = new Map<string, Withdrawal>();
  /** What the ledger tells it owes, piece by piece; empty: nothing. */
  liabilities: SnapshotLiabilitiesResponse[] = [];
  /** How many calls fail as if the ledger were down. */
  failing = 0;
  /** Account whose deposits are refused for good. */
  refusing = '';
  url = '';
  readonly #server = new Server();

  constructor(private readonly token: string) {}

  async start(): Promise<void> {
    this.#server.addService(SERVICE_DEFINITIONS.BooksService, {
      creditDeposit: this.#serve<CreditDepositRequest, CreditDepositResponse>((request) => {
        if (request.account === this.refusing) {
          throw toGrpcError(refuse('MALFORMED', 'told to refuse'));
        }
        const key = `${request.txid.toString('hex')}:${request.index}`;
        const repeatedRequest = this.deposits.has(key);
        this.deposits.set(key, request);
        return { repeatedRequest };
      }),
      resolveSuspense: this.#serve<ResolveSuspenseRequest, ResolveSuspenseResponse>((request) =>
        this.#resolve(request),
      ),
      advanceWithdrawal: this.#serve<AdvanceWithdrawalRequest, AdvanceWithdrawalResponse>(
        (request) => ({ withdrawal: this.#advance(request) }),
      ),
      listOpenWithdrawals: this.#serve<ListOpenWithdrawalsRequest, ListOpenWithdrawalsResponse>(
        () => ({
          withdrawals: [...this.withdrawals.values()].filter(({ state }) => !FINAL.includes(state)),
          nextCursor: '',
        }),
      ),
      snapshotLiabilities: (call: ServerWritableStream<unknown, SnapshotLiabilitiesResponse>) => {
        for (const piece of this.liabilities) call.write(piece);
        call.end();
      },
    } as never);
    const port = await new Promise<number>((resolve, reject) => {
      const insecure = ServerCredentials.createInsecure();
      this.#server.bindAsync('127.0.0.1:0', insecure, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.url = `127.0.0.1:${port}`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** A new withdrawal; its fee is 1 unit. */
  request(
    number: number,
    asset: Asset,
    destination: string,
    netUnits: bigint,
    toClaim = false,
  ): string {
    const withdrawalId = Buffer.alloc(32);
    withdrawalId.writeUInt32BE(number, 28);
    const id = withdrawalId.toString('hex');
    this.withdrawals.set(id, {
      ...Withdrawal.fromPartial({}),
      withdrawalId,
      account: destination,
      asset,
      destination,
      amountUnits: netUnits + 1n,
      feeUnits: 1n,
      state: WithdrawalState.REQUESTED,
      requestedAtMs: BigInt(number),
      toClaim,
    });
    return id;
  }

  /** Cancels as the ledger would: only before it is planned. */
  cancel(id: string): void {
    const withdrawal = this.withdrawals.get(id);
    if (withdrawal === undefined || withdrawal.state >= WithdrawalState.PLANNED) {
      throw new Error('not cancellable');
    }
    withdrawal.state = WithdrawalState.CANCELLED;
  }

  /** Puts a withdrawal ahead of what settlement knows of it, as when its records are older than the ledger's. */
  skipTo(id: string, state: keyof typeof WithdrawalState): void {
    const withdrawal = this.withdrawals.get(id);
    if (withdrawal !== undefined) withdrawal.state = WithdrawalState[state];
  }

  stateOf(id: string): string {
    return WithdrawalState[this.withdrawals.get(id)?.state ?? 0] ?? '';
  }

  /** Units credited to an account, suspense excluded. */
  creditedTo(account: string): bigint {
    return [...this.deposits.values()]
      .filter((deposit) => deposit.account === account && !deposit.suspense)
      .reduce((sum, { amountUnits }) => sum + amountUnits, 0n);
  }

  // As balance does it, see services/balance/test/suspense.int.spec.ts.
  #resolve(request: ResolveSuspenseRequest): ResolveSuspenseResponse {
    const deposit = this.deposits.get(`${request.txid.toString('hex')}:${request.index}`);
    if (deposit === undefined) throw toGrpcError(refuse('NOT_FOUND', 'no such deposit'));
    const repeatedRequest = !deposit.suspense;
    if (repeatedRequest && deposit.account !== request.account) {
      throw toGrpcError(refuse('ID_REUSED', "it is in somebody's balance"));
    }
    deposit.account = request.account;
    deposit.suspense = false;
    return { repeatedRequest };
  }

  #advance(request: AdvanceWithdrawalRequest): Withdrawal {
    const withdrawal = this.withdrawals.get(request.withdrawalId.toString('hex'));
    if (withdrawal === undefined) {
      throw toGrpcError(refuse('WITHDRAWAL_UNKNOWN', 'no withdrawal has this id'));
    }
    if (!FINAL.includes(withdrawal.state)) withdrawal.note = request.note;
    const ended = FINAL.includes(withdrawal.state);
    if (!ended && (request.state > withdrawal.state || FINAL.includes(request.state))) {
      withdrawal.state = request.state;
      withdrawal.failure = request.failure;
      withdrawal.txid = request.txid;
    }
    return withdrawal;
  }

  #serve<Request, Response>(
    answer: (request: Request) => Response,
  ): handleUnaryCall<Request, Response> {
    return (call, done) => {
      try {
        if (call.metadata.get(INTERNAL_TOKEN_TRAILER)[0] !== this.token) {
          throw toGrpcError(refuse('UNAUTHENTICATED', 'wrong token'));
        }
        if (this.failing > 0) {
          this.failing -= 1;
          throw toGrpcError(refuse('UNAVAILABLE', 'the ledger is down'));
        }
        done(null, answer(call.request));
      } catch (error) {
        done(error as ServiceError);
      }
    };
  }
}

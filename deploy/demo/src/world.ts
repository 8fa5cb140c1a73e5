import {
  type AccountClient,
  LedgerClient,
  MarketClient,
  type PayingChannel,
  type ReceivingChannel,
  SettlementClient,
  VoucherClient,
  Wallet,
} from '#libs/client';
import type { GetTotalsResponse } from '#libs/contracts';
import type { Units } from '#libs/domain';
import { DemoChain } from './chain.js';
import { Differences } from './differences.js';
import { ExpectedBooks } from './expected.js';
import type { DemoOptions } from './options.js';
import { makePlan, PAIRS, type PairPlan, type Plan } from './plan.js';
import type { StackAddresses } from './stack.js';

/** Longest time for anything that depends on a service which may just have been killed. */
export const PATIENCE_MS = 60_000;

/** One user: its wallet and the ledger as it sees it. */
export type User = { readonly wallet: Wallet; readonly account: AccountClient };

/** A payer, its payee and their channel. */
export type Pair = {
  readonly plan: PairPlan;
  readonly payer: User;
  readonly payee: User;
  readonly channelId: Uint8Array;
  readonly depositUnits: Units;
  /** Units per MiB; 0 without an auction. */
  readonly priceUnits: Units;
  readonly paying: PayingChannel;
  readonly receiving: ReceivingChannel;
};

/** What the demo counts while it runs. */
export type Counts = {
  torrentPiecesPaid: number;
  torrentVerified: boolean;
  vouchersAccepted: number;
  vouchersRejected: number;
  ticksAccepted: number;
  matches: number;
  chainTransactions: number;
  reconnects: number;
};

/** Everything the phases share. */
export type World = {
  readonly plan: Plan;
  readonly ledger: LedgerClient;
  readonly market: MarketClient;
  readonly vouchers: VoucherClient;
  readonly settlement: SettlementClient;
  readonly chain: DemoChain;
  readonly payers: readonly User[];
  readonly payees: readonly User[];
  readonly pairs: Pair[];
  readonly books: ExpectedBooks;
  readonly counts: Counts;
  readonly rounds: Set<bigint>;
  readonly batches: Set<bigint>;
  readonly differences: Differences;
  /** Sums of the ledger before the demo began. */
  before: GetTotalsResponse | undefined;
};

/** Connects to the stack, makes the keys and the plan. */
export async function makeWorld(stack: StackAddresses, options: DemoOptions): Promise<World> {
  const settings = { policy: { deadlineMs: 5_000, retryForMs: PATIENCE_MS } };
  const ledger = await LedgerClient.connect(stack.balance, settings);
  const { domain, withdrawalMinUnits, withdrawalFeeUnits } = ledger.network;
  const user = (): User => {
    const wallet = Wallet.generate(domain);
    return { wallet, account: ledger.account(wallet) };
  };
  const withdrawalUnits = withdrawalMinUnits + withdrawalFeeUnits;
  return {
    plan: makePlan({ ...options, withdrawalUnits }),
    ledger,
    market: new MarketClient(stack.auction, settings),
    vouchers: new VoucherClient(stack.ingest, settings),
    settlement: new SettlementClient(stack.settlement, settings),
    chain: new DemoChain(stack.tronNodeUrl, ledger.network),
    payers: Array.from({ length: PAIRS }, user),
    payees: Array.from({ length: PAIRS }, user),
    pairs: [],
    books: new ExpectedBooks(),
    counts: {
      torrentPiecesPaid: 0,
      torrentVerified: false,
      vouchersAccepted: 0,
      vouchersRejected: 0,
      ticksAccepted: 0,
      matches: 0,
      chainTransactions: 0,
      reconnects: 0,
    },
    rounds: new Set(),
    batches: new Set(),
    differences: new Differences(),
    before: undefined,
  };
}

/** Ends all connections. */
export function closeWorld(world: World): void {
  world.ledger.close();
  world.market.close();
  world.vouchers.close();
  world.settlement.close();
}

/** The payer, payee or plan of an index; throws when there is none, which is a mistake of the demo. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`the demo has no item ${index}`);
  return item;
}

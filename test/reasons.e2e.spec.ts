import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AccountClient,
  LedgerClient,
  LedgerRefusal,
  LedgerUnavailable,
  MarketClient,
  newId,
  type Payments,
  SessionSource,
  SettlementClient,
  TickChain,
  VoucherClient,
  Wallet,
} from '#libs/client';
import {
  Asset,
  assetFromWire,
  LedgerServiceClient,
  MarketServiceClient,
  WithdrawalState,
} from '#libs/contracts';
import { LIMITS, REASONS, type Reason } from '#libs/domain';
import { DemoChain } from '../deploy/demo/src/chain.js';
import { until } from '../deploy/demo/src/patience.js';
import { type Stack, startStack } from '../deploy/local/src/stack.js';

// Every wrong request gets its own reason: one request for each, on the running system. The table is
// complete by its type; a new reason does not compile before it has a line here.

/** What the requests are made with: `rich` has funds and two channels, `poor` is only registered. */
type Scene = {
  readonly ledger: LedgerClient;
  readonly market: MarketClient;
  readonly vouchers: VoucherClient;
  readonly rich: AccountClient;
  readonly poor: AccountClient;
  readonly stranger: AccountClient;
  readonly plainChannel: Uint8Array;
  readonly tickChannel: Uint8Array;
  readonly closedChannel: Uint8Array;
  readonly spentWithdrawal: Uint8Array;
};

/** Makes the request; returns the reason that came, or throws the refusal. */
type Provocation = (scene: Scene) => Promise<unknown>;

const DEPOSIT = 1_000_000n;
const CHANNEL_DEPOSIT = 10_000n;
const HOUR_MS = 3_600_000n;
const FILL = 600;

const soon = () => BigInt(Date.now()) + HOUR_MS;
const order = (expiresAtMs = soon()) => ({
  orderId: newId(),
  swarm: Buffer.from(newId().subarray(0, 20)),
  slots: 1,
  expiresAtMs,
});
const ask = () => ({ ...order(), slotRateMib: 1, reservePriceUnits: 100n });

function voucherOf(scene: Scene, changes: object = {}) {
  const claim = {
    channelId: scene.plainChannel,
    payee: scene.poor.wallet.address,
    cumulativeUnits: 500n,
    validUntilMs: soon(),
    ...changes,
  };
  return scene.rich.wallet.voucher(claim);
}
const tickOf = (channelId: Uint8Array, index: bigint) => ({
  channelId: Buffer.from(channelId),
  index,
  preimage: newId(),
});

async function post({ vouchers: client }: Scene, payments: Payments): Promise<Reason | 'accepted'> {
  const { vouchers, ticks } = await client.post(payments);
  const [outcome] = [...vouchers, ...ticks];
  return outcome?.status === 'refused' ? outcome.reason : 'accepted';
}
const postVoucher = (scene: Scene, changes: object = {}) =>
  post(scene, { vouchers: [voucherOf(scene, changes)] });

const TABLE: Readonly<Record<Reason, Provocation>> = {
  MALFORMED: ({ rich, poor }) => rich.transfer({ payee: poor.wallet.address, amountUnits: 0n }),
  LIMIT_EXCEEDED: ({ rich, poor }) =>
    rich.openChannel({
      payee: poor.wallet.address,
      depositUnits: 1n,
      ticks: { chainEnd: newId(), tickValueUnits: 1n, ticksMax: LIMITS.ticksMax + 1n },
    }),
  CHANNEL_UNKNOWN: ({ ledger }) => ledger.describeChannel(newId()),
  CHANNEL_CLOSED: (scene) => postVoucher(scene, { channelId: scene.closedChannel }),
  PAYEE_MISMATCH: (scene) => postVoucher(scene, { payee: scene.stranger.wallet.address }),
  EXPIRED: (scene) => postVoucher(scene, { validUntilMs: soon() - 2n * HOUR_MS }),
  ABOVE_DEPOSIT: (scene) => postVoucher(scene, { cumulativeUnits: CHANNEL_DEPOSIT + 1n }),
  SUPERSEDED: async (scene) => {
    expect(await postVoucher(scene, { cumulativeUnits: 100n })).toBe('accepted');
    return postVoucher(scene, { cumulativeUnits: 99n });
  },
  BAD_SIGNATURE: (scene) => {
    const { channelId, payee, cumulativeUnits, validUntilMs } = voucherOf(scene);
    const claim = { channelId, payee, cumulativeUnits, validUntilMs };
    return post(scene, { vouchers: [scene.poor.wallet.voucher(claim)] });
  },
  TICKS_NOT_COMMITTED: (scene) => post(scene, { ticks: [tickOf(scene.plainChannel, 1n)] }),
  TICK_OUT_OF_RANGE: (scene) => post(scene, { ticks: [tickOf(scene.tickChannel, 101n)] }),
  BAD_PREIMAGE: (scene) => post(scene, { ticks: [tickOf(scene.tickChannel, 1n)] }),
  TICKS_LEFT: ({ rich, tickChannel }) =>
    rich.commitTicks(tickChannel, new TickChain(newId(), 1n, 10, 100n).commitment),
  KEY_NOT_DELEGATED: ({ stranger, rich, poor }) =>
    stranger.openChannel({
      payer: rich.wallet.address,
      payee: poor.wallet.address,
      depositUnits: 1n,
    }),
  KEY_CAP_EXCEEDED: async ({ ledger, rich, poor }) => {
    const key = Wallet.generate(ledger.network.domain);
    const { publicKey } = key;
    await rich.delegateSessionKey({ publicKey, capUnits: 9n, expiresAtMs: soon() });
    return ledger.account(key).openChannel({
      payer: rich.wallet.address,
      payee: poor.wallet.address,
      depositUnits: 10n,
    });
  },
  ACCOUNT_UNKNOWN: ({ stranger, poor }) =>
    stranger.transfer({ payee: poor.wallet.address, amountUnits: 1n }),
  INSUFFICIENT_FUNDS: ({ rich, poor }) =>
    rich.transfer({ payee: poor.wallet.address, amountUnits: 10n * DEPOSIT }),
  ID_REUSED: async ({ rich, poor }) => {
    const transfer = { payee: poor.wallet.address, transferId: newId() };
    await rich.transfer({ ...transfer, amountUnits: 1n });
    return rich.transfer({ ...transfer, amountUnits: 2n });
  },
  NOT_PERMITTED: async ({ ledger, plainChannel }) => {
    const bystander = await registered(ledger);
    return bystander.closeChannel(plainChannel);
  },
  UNAUTHENTICATED: () =>
    rawLedger((client, done) => client.getAccount({}, new Metadata(), {}, done)),
  BAD_CURSOR: ({ rich }) => rich.listHistory({ cursor: 'not one of ours', limit: 1 }),
  ORDER_UNKNOWN: ({ market }) => market.getOrder(newId()),
  ORDER_CLOSED: async ({ market, rich, poor }) => {
    // An ask that was matched can no longer be taken back.
    const offered = ask();
    await market.placeAsk(poor.wallet, offered);
    const bid = { ...order(), swarm: offered.swarm, priceLimitUnits: 200n, volumeMib: 1n };
    await market.placeBid(rich.wallet, { ...bid, budgetUnits: 200n });
    await until(
      'the match of an ask',
      () => market.getOrder(offered.orderId),
      ({ matches }) => matches.length > 0,
      { timeoutMs: 30_000 },
    );
    return market.cancelOrder(poor.wallet, offered.orderId, soon());
  },
  BUDGET_TOO_SMALL: ({ market, rich }) =>
    market.placeBid(rich.wallet, {
      ...order(),
      priceLimitUnits: 100n,
      volumeMib: 10n,
      budgetUnits: 999n,
    }),
  WITHDRAWAL_UNKNOWN: ({ rich }) => rich.getWithdrawal(newId()),
  WITHDRAWAL_NOT_CANCELLABLE: ({ rich, spentWithdrawal }) => rich.cancelWithdrawal(spentWithdrawal),
  WITHDRAWAL_LIMIT: ({ rich, ledger }) =>
    rich.withdraw({ asset: 'TRC10_BTTOLD', amountUnits: ledger.network.withdrawalMinUnits - 1n }),
  // Everything in this ledger came in by TRC-10, so nothing can leave by TRC-20.
  RESERVE_SHORT: ({ rich }) => rich.withdraw({ asset: 'TRC20_BTT', amountUnits: 50_000n }),
  ASSET_UNKNOWN: ({ rich }) => {
    const asset = Asset.UNSPECIFIED;
    const session = new SessionSource(rich.wallet, Date.now).metadata();
    return rawLedger((client, done) =>
      client.quoteWithdrawal({ asset, amountUnits: 5_000n }, session, {}, done),
    );
  },
  UNAVAILABLE: async (scene) => {
    // While the books stand still, ingest hears no news of closings and accepts nothing.
    const { pid } = stack.process('balance');
    process.kill(pid, 'SIGSTOP');
    try {
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      return await postVoucher(scene, { cumulativeUnits: 600n });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  },
  OUTCOME_UNKNOWN: async (scene) => {
    // The log of orders takes the ask, or not: nobody can tell while Kafka is silent.
    const { pid } = stack.process('kafka');
    process.kill(pid, 'SIGSTOP');
    try {
      const client = new MarketServiceClient(stack.urls.auctionGrpc!, credentials.createInsecure());
      return await rawCall(client, (done) =>
        client.placeAsk(scene.rich.wallet.ask(ask()), new Metadata(), {}, done),
      );
    } finally {
      process.kill(pid, 'SIGCONT');
      await until(
        'vouchers that are accepted again',
        () => postVoucher(scene, { cumulativeUnits: 700n }),
        (outcome) => outcome === 'accepted' || outcome === 'SUPERSEDED',
        { timeoutMs: 60_000 },
      );
    }
  },
  NOT_FOUND: ({ market }) => market.getRound(999_999_999n),
  OVERLOADED: async (scene) => {
    // Questions about channels that do not exist use up what one connection may waste.
    const vouchers = Array.from({ length: FILL }, () => voucherOf(scene, { channelId: newId() }));
    for (let tries = 0; tries < 5; tries++) {
      const answer = await post(scene, { vouchers });
      if (answer !== 'CHANNEL_UNKNOWN') return answer;
    }
    return 'CHANNEL_UNKNOWN';
  },
};

let stack: Stack;
let scene: Scene;
const closers: (() => void)[] = [];

async function registered(ledger: LedgerClient): Promise<AccountClient> {
  const account = ledger.account(Wallet.generate(ledger.network.domain));
  await account.register();
  return account;
}

type Done = (error: ServiceError | null, value: unknown) => void;

/** A call past our own client, which would never make it. */
function rawLedger(call: (client: LedgerServiceClient, done: Done) => unknown): Promise<string> {
  const client = new LedgerServiceClient(stack.urls.balanceGrpc!, credentials.createInsecure());
  return rawCall(client, (done) => call(client, done));
}

/** One attempt, without the patience of our own client; closes the connection. */
async function rawCall(client: Client, call: (done: Done) => unknown): Promise<string> {
  try {
    return await new Promise((resolve) => {
      call((error) => resolve(String(error?.metadata.get('swarmledger-reason')[0] ?? 'accepted')));
    });
  } finally {
    client.close();
  }
}

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'swarmledger-e2e-'));
  stack = await startStack({ dataDir, temporary: true, guard: true });
  const { urls } = stack;
  const ledger = await LedgerClient.connect(urls.balanceGrpc!);
  const market = new MarketClient(urls.auctionGrpc!);
  const settlement = new SettlementClient(urls.settlementGrpc!);
  // One attempt of each batch: a passing refusal must be seen, not waited off.
  const patience = { policy: { retryForMs: 15_000, backoffMinMs: 40_000, backoffMaxMs: 40_000 } };
  const vouchers = new VoucherClient(urls.ingestGrpc!, patience);
  closers.push(...[ledger, market, settlement, vouchers].map((client) => () => client.close()));
  const rich = await registered(ledger);
  const poor = await registered(ledger);
  const chain = new DemoChain(urls.tronNodeUrl!, ledger.network);
  const { address } = rich.wallet;
  const funding = await chain.fundAsset('TRC10_BTTOLD', address, DEPOSIT);
  await chain.included(funding);
  const targets = await settlement.depositTargets();
  const target = targets.find(({ asset }) => assetFromWire(asset) === 'TRC10_BTTOLD')!;
  await chain.transfer(rich.wallet, 'TRC10_BTTOLD', target.address, DEPOSIT);
  await rich.waitFor(({ availableUnits }) => availableUnits === DEPOSIT, 60_000);
  const channel = { payee: poor.wallet.address, depositUnits: CHANNEL_DEPOSIT };
  const plain = await rich.openChannel(channel);
  const ticks = new TickChain(newId(), 10n, 100).commitment;
  const withTicks = await rich.openChannel({ ...channel, ticks });
  const closed = await rich.openChannel(channel);
  await poor.closeChannel(closed.channelId);
  const spentWithdrawal = newId();
  await rich.withdraw({
    asset: 'TRC10_BTTOLD',
    amountUnits: 5_000n,
    withdrawalId: spentWithdrawal,
  });
  await until(
    'a paid withdrawal',
    () => rich.getWithdrawal(spentWithdrawal),
    ({ state }) => state === WithdrawalState.SOLIDIFIED,
    { timeoutMs: 60_000 },
  );
  scene = {
    ledger,
    market,
    vouchers,
    rich,
    poor,
    stranger: ledger.account(Wallet.generate(ledger.network.domain)),
    plainChannel: plain.channelId,
    tickChannel: withTicks.channelId,
    closedChannel: closed.channelId,
    spentWithdrawal,
  };
});
afterAll(async () => {
  for (const close of closers) close();
  await stack?.stop();
});

// First: the reason OVERLOADED leaves this connection with no failures to spare.
describe('a session key', () => {
  it('opens a channel and signs what it pays; the wallet’s signature does not count there', async () => {
    const { ledger, rich, poor } = scene;
    const key = Wallet.generate(ledger.network.domain);
    const { publicKey, address } = key;
    await rich.delegateSessionKey({ publicKey, capUnits: 1_000n, expiresAtMs: soon() });
    const order = { payer: rich.wallet.address, payee: poor.wallet.address, depositUnits: 1_000n };
    const { channelId, signer, payer } = await ledger.account(key).openChannel(order);
    expect({ signer, payer }).toEqual({ signer: address, payer: rich.wallet.address });
    const claim = { channelId, payee: order.payee, cumulativeUnits: 400n, validUntilMs: soon() };
    expect(await post(scene, { vouchers: [rich.wallet.voucher(claim)] })).toBe('BAD_SIGNATURE');
    expect(await post(scene, { vouchers: [key.voucher(claim)] })).toBe('accepted');
    await until(
      'the payment in the books',
      () => ledger.describeChannel(channelId),
      ({ cumulativeUnits }) => cumulativeUnits === 400n,
      { timeoutMs: 30_000 },
    );
    const { sessionKeys } = await rich.listSessionKeys();
    expect(sessionKeys[0]).toMatchObject({ key: address, usedUnits: 1_000n, revokedAtMs: 0n });
    expect((await rich.revokeSessionKey(address)).revokedAtMs).toBeGreaterThan(0n);
    const closing = await ledger.account(key).closeChannel(channelId);
    expect(closing.closesAtMs).toBeGreaterThan(soon() - HOUR_MS);
  });
});

describe('a wrong request is refused for its own reason:', () => {
  // Ingest refuses for a moment when news of channels is late; that is not what is asked here.
  beforeEach(async () => {
    const ready = `${stack.urls.opsUrls.ingest}/readyz`;
    await until(
      'a ready ingest',
      () => fetch(ready),
      ({ ok }) => ok,
      { timeoutMs: 60_000 },
    );
  });

  it.each(REASONS)('%s', async (reason) => {
    const told = await TABLE[reason](scene).catch((error: unknown) =>
      error instanceof LedgerRefusal || error instanceof LedgerUnavailable ? error.reason : error,
    );
    expect(told).toBe(reason);
  });
});

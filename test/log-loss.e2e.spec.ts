import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type AccountClient,
  LedgerClient,
  SettlementClient,
  type VoucherClient,
  VoucherClient as Vouchers,
  Wallet,
} from '#libs/client';
import { assetFromWire } from '#libs/contracts';
import { DemoChain } from '../deploy/demo/src/chain.js';
import { until } from '../deploy/demo/src/patience.js';
import { runToEnd } from '../deploy/local/src/one-shot.js';
import { compiled } from '../deploy/local/src/root.js';
import { type Stack, startStack } from '../deploy/local/src/stack.js';

// Kafka's data is deleted while the books are kept. The new log starts at offset 0, where the old one had been
// applied: without a look at what the offsets belong to, payments would be acknowledged and never booked.

const DEPOSIT = 1_000n;

let dataDir: string;
let stack: Stack | undefined;
let payer: Wallet;
let payee: Wallet;
let channelId: Uint8Array;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'swarmledger-log-loss-'));
});
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
});

async function start(parts?: ('postgres' | 'kafka')[]): Promise<Stack> {
  stack = await startStack({ dataDir, guard: true, restart: false, ...(parts ? { parts } : {}) });
  return stack;
}

async function stop(): Promise<void> {
  await stack?.stop();
  stack = undefined;
}

/** Talks to the running stack; closes the connections again. */
async function withClients<T>(
  work: (at: { ledger: LedgerClient; vouchers: VoucherClient }) => Promise<T>,
): Promise<T> {
  const ledger = await LedgerClient.connect(stack!.urls.balanceGrpc!);
  const vouchers = new Vouchers(stack!.urls.ingestGrpc!);
  try {
    return await work({ ledger, vouchers });
  } finally {
    ledger.close();
    vouchers.close();
  }
}

/** Raises the channel to an amount; the payment is acknowledged and in the payee's balance. */
function pay(cumulativeUnits: bigint): Promise<void> {
  return withClients(async ({ ledger, vouchers }) => {
    const validUntilMs = BigInt(Date.now()) + 3_600_000n;
    const claim = { channelId, payee: payee.address, cumulativeUnits, validUntilMs };
    const [outcome] = (await vouchers.post({ vouchers: [payer.voucher(claim)] })).vouchers;
    expect(outcome?.status).toBe('accepted');
    await booked(ledger.account(payee), cumulativeUnits);
  });
}

const booked = (account: AccountClient, units: bigint) =>
  account.waitFor(({ availableUnits }) => availableUnits === units, 20_000);

async function openChannel(): Promise<void> {
  await withClients(async ({ ledger }) => {
    [payer, payee] = [1, 2].map(() => Wallet.generate(ledger.network.domain)) as [Wallet, Wallet];
    const [rich, poor] = [ledger.account(payer), ledger.account(payee)];
    await Promise.all([rich.register(), poor.register()]);
    const chain = new DemoChain(stack!.urls.tronNodeUrl!, ledger.network);
    await chain.included(await chain.fundAsset('TRC10_BTTOLD', payer.address, DEPOSIT));
    const settlement = new SettlementClient(stack!.urls.settlementGrpc!);
    const targets = await settlement.depositTargets();
    settlement.close();
    const target = targets.find(({ asset }) => assetFromWire(asset) === 'TRC10_BTTOLD')!;
    await chain.transfer(payer, 'TRC10_BTTOLD', target.address, DEPOSIT);
    await booked(rich, DEPOSIT);
    const channel = { payee: payee.address, depositUnits: DEPOSIT };
    channelId = (await rich.openChannel(channel)).channelId;
  });
}

async function adoptLog(...options: string[]): Promise<void> {
  const { databaseUrl, kafkaBrokers } = stack!.urls;
  await runToEnd({
    name: 'adopt-log',
    args: [compiled('deploy/provision/src/main.js'), 'adopt-log', ...options],
    env: { ...process.env, DATABASE_URL: databaseUrl, KAFKA_BROKERS: kafkaBrokers },
    logFile: join(dataDir, 'logs', 'adopt-log.log'),
    timeoutMs: 60_000,
    signal: AbortSignal.timeout(60_000),
  });
}

it('a log that was made anew is refused until an operator decides, and then every payment is booked', async () => {
  await start();
  await openChannel();
  await pay(10n);
  await pay(30n);
  await stop();

  rmSync(join(dataDir, 'kafka'), { recursive: true });
  await expect(start()).rejects.toThrow(/the log [a-z-]+ is not what was applied so far/);

  await start(['postgres', 'kafka']);
  await adoptLog();
  await stop();
  await expect(start(), 'telling changes nothing').rejects.toThrow(/is not what was applied/);

  await start(['postgres', 'kafka']);
  await adoptLog('--confirm');
  await stop();
  await start();
  await pay(35n);
  const totals = await withClients(({ ledger }) => ledger.totals());
  expect(totals).toMatchObject({ conserved: true });
  await until(
    'a ready balance',
    () => fetch(`${stack!.urls.opsUrls.balance}/readyz`),
    (answer) => answer.ok,
    { timeoutMs: 10_000 },
  );
});

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountClient, LedgerClient } from '#libs/client';
import { type Stack, startStack } from '../deploy/local/src/stack.js';
import { OperatorClient } from '../deploy/settle/src/operator.client.js';
import { parseOptions } from '../deploy/settle/src/options.js';
import { bookWithdrawals, type Due, fundAccounts } from '../deploy/settle/src/rehearsal/due.js';
import { rehearse } from '../deploy/settle/src/rehearsal/rehearse.js';
import { settle } from '../deploy/settle/src/settle.js';

const silent = { progress: () => undefined, note: () => undefined };
const never = new AbortController().signal;
const output = () => new PassThrough().resume() as unknown as NodeJS.WriteStream;

describe('npm run settle on a running stack', () => {
  let stack: Stack;
  let ledger: LedgerClient;
  let operator: OperatorClient;
  let accounts: readonly AccountClient[];
  let booked = 0;
  beforeAll(async () => {
    stack = await startStack({
      dataDir: mkdtempSync(join(tmpdir(), 'swarmledger-settle-')),
      parts: ['postgres', 'kafka', 'chain', 'balance', 'settlement'],
      // Runs come by hand; a batch of three payouts is a large one.
      env: { ...process.env, SETTLEMENT_CRON: '0 0 0 1 1 *', APPROVAL_UNITS: '6000' },
      guard: true,
      temporary: true,
    });
    const { balanceGrpc = '', settlementGrpc = '', tronNodeUrl = '' } = stack.urls;
    ledger = await LedgerClient.connect(balanceGrpc);
    operator = OperatorClient.of(stack.state);
    accounts = await fundAccounts(ledger, { settlementGrpc, tronNodeUrl }, 1_000_000n);
  }, 180_000);
  afterAll(async () => {
    operator?.close();
    ledger?.close();
    await stack?.stop();
  });

  const book = async (count: number): Promise<Due[]> => {
    const range = { from: booked, count };
    const due = await bookWithdrawals(accounts, range, ledger.network.withdrawalFeeUnits, silent);
    booked += count;
    await expect
      .poll(async () => (await operator.plan()).payouts, { timeout: 30_000 })
      .toBe(BigInt(count));
    return due;
  };
  const run = (...args: string[]) =>
    settle(parseOptions(['--state', stack.statePath, ...args]), output(), never);

  it('pays nobody without being told to', async () => {
    await book(2);
    expect(await run('--dry-run')).toMatchObject({ ran: false, payouts: 0 });
    await expect(run()).rejects.toThrow('nothing was paid');
    expect((await operator.plan()).payouts).toBe(2n);
  });

  it('pays what is due and follows it to the end', async () => {
    const result = await run('--yes');
    expect(result).toMatchObject({ ran: true, payouts: 2, transactions: 1, solidified: 1 });
    expect(BigInt(result.energyUsed)).toBeGreaterThan(60_000n);
    expect(await run('--yes')).toMatchObject({ ran: false, payouts: 0, failed: 0 });
  });

  it('leaves large batches to an operator, who lets one through and stops another', async () => {
    await book(3);
    const waiting = await run('--yes');
    expect(waiting).toMatchObject({ ran: true, solidified: 0 });
    const [first = ''] = waiting.waitingForApproval;
    expect(await run('--approve', first, '--operator', 'ann')).toMatchObject({
      transactions: 1,
      solidified: 1,
    });
    await book(3);
    const [second = ''] = (await run('--yes')).waitingForApproval;
    await run('--reject', second, '--operator', 'bob', '--note', 'no');
    const rejected = await operator.batch(BigInt(second));
    expect(rejected).toMatchObject({ decisionNote: 'no', batch: { decidedBy: 'bob' } });
    await expect(run('--approve', second)).rejects.toThrow('was rejected by bob');
    await expect(run('--approve', '999')).rejects.toThrow('NOT_FOUND');
  });
});

describe('npm run settle -- --payouts', () => {
  it('pays on a chain of its own, and everything agrees', async () => {
    const result = await rehearse(230, output(), never);
    expect(result).toMatchObject({ payouts: 230, differences: [], conserved: true });
    const sizes = result.batches.map(({ payouts }) => payouts);
    expect(sizes.sort((a, b) => a - b)).toEqual([1, 10, 19, 200]);
    expect(result.first.energy).toBeGreaterThan(result.again.energy);
  }, 300_000);
});

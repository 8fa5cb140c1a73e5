import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../deploy/local/src/stack.js';
import { type DemoEnd, type DemoResult, runDemo, runVerify } from './demo-run.js';

// The main job of the ledger on the whole system: once in peace, then once for each service with that
// service killed twice in the middle of its work. The launcher starts it again, the demo's clients
// come back by themselves, and the totals must be the same to the unit.

const SEED = ['--seed', '42'];

/** Figures that depend on time only, e.g. on how many auction rounds passed. */
const TIMELY = [
  'auctionRounds',
  'settlementBatches',
  'onChainTransactions',
  'streamReconnects',
  'seconds',
  'figuresChecked',
];

let stack: Stack;
let dataDir: string;
let baseline: DemoResult;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'swarmledger-e2e-'));
  stack = await startStack({ dataDir, temporary: true, guard: true });
});
afterAll(() => stack?.stop());

function timeless(result: DemoResult | undefined) {
  return Object.fromEntries(
    Object.entries(result ?? {}).filter(([name]) => !TIMELY.includes(name)),
  );
}

function expectRight(end: DemoEnd): DemoResult {
  if (end.code !== 0) throw new Error(`the demo ended with ${end.code}:\n${end.log}`);
  expect(end.result).toMatchObject({ conserved: true, differences: [] });
  return end.result as DemoResult;
}

describe('the demo', () => {
  it('moves money from the chain through the ledger and back, to the unit', async () => {
    const result = expectRight(await runDemo(stack.statePath, SEED));
    expect(result).toMatchObject({
      torrentVerified: true,
      torrentPiecesPaid: 256,
      channelsOpened: 20,
      channelsClosed: 20,
      matches: 10,
      vouchersRejected: 12,
      firstStartSeconds: 12.5,
      seed: 42,
    });
    const figure = (name: string) => Number(result[name]);
    expect(figure('vouchersAccepted') + figure('ticksAccepted')).toBeGreaterThanOrEqual(20_000);
    expect(figure('ticksAccepted')).toBeGreaterThan(1_000);
    expect(figure('auctionRounds')).toBeGreaterThanOrEqual(1);
    expect(figure('settlementBatches')).toBeGreaterThanOrEqual(2);
    expect(figure('onChainTransactions')).toBeGreaterThanOrEqual(62);
    const [deposited, withdrawn, fees] = ['depositedUnits', 'withdrawnUnits', 'feesUnits'].map(
      (name) => BigInt(String(result[name])),
    );
    expect(deposited).toBeGreaterThan(withdrawn! + fees!);
    baseline = result;
  });

  it('leaves a ledger behind that verify finds right', async () => {
    const { code, result, log } = await runVerify(dataDir, []);
    if (code !== 0) throw new Error(`verify ended with ${code}:\n${log}`);
    expect(result).toMatchObject({ ok: true });
    const checked = Object.fromEntries(
      ((result?.checks ?? []) as { name: string; rows: number }[]).map(({ name, rows }) => [
        name,
        rows,
      ]),
    );
    expect(checked.Batches).toBeGreaterThanOrEqual(2);
    expect(checked['Claims of channels']).toBeGreaterThanOrEqual(20);
    expect(checked['Epochs on chain']).toBeGreaterThanOrEqual(1);
  });

  // Phase by phase: where the service has work, and how long after the phase began it is killed.
  it.each([
    ['ingest', 'Pay piece by piece', 'Refuse bad payments'],
    ['balance', 'Auction', 'Pay piece by piece'],
    ['auction', 'Auction', 'Open channels'],
    ['settlement', 'Deposit on TRON', 'Withdraw to TRON'],
    ['admin', 'Pay piece by piece', 'Withdraw to TRON'],
  ])('ends with the same totals when %s is killed in "%s" and in "%s"', async (name, ...phases) => {
    const killed: string[] = [];
    const end = await runDemo(stack.statePath, SEED, (line) => {
      const phase = phases.find((each) => line === `${each} ...`);
      if (phase === undefined) return;
      setTimeout(() => {
        process.kill(stack.process(name).pid, 'SIGKILL');
        killed.push(phase);
      }, 300);
    });
    const result = expectRight(end);
    expect(killed).toEqual(phases);
    expect(timeless(result)).toEqual(timeless(baseline));
  });
});

import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#libs/testing';
import { repositoryRoot } from '../deploy/local/src/root.js';
import { type Stack, startStack } from '../deploy/local/src/stack.js';
import { readState, type StackState } from '../deploy/local/src/state-file.js';
import { loginLink } from '../deploy/local/src/where-to-look.js';
import { launchChromium } from '../services/admin/test/chromium.js';
import { type DemoEnd, runDemo } from './demo-run.js';

// The dashboard over the whole system, while the demo runs. SWARMLEDGER_STATE names the state file of a
// running stack to look at; without it one is started. The picture for the docs is taken anew when it is
// missing or UPDATE_DOCS is set, else it goes to a temporary folder: a test run changes no committed file.
const PICTURE = join(repositoryRoot, 'docs/dashboard.png');
const PICTURE_SIZE = { width: 1440, height: 1000 };

type Totals = { assets: { depositedUnits: string; withdrawnUnits: string }[]; conserved: boolean };

let stack: Stack | undefined;
let state: StackState;
let statePath: string;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'swarmledger-dashboard-'));
  const given = process.env.SWARMLEDGER_STATE;
  if (given === undefined) stack = await startStack({ dataDir, temporary: true, guard: true });
  statePath = given ?? stack?.statePath ?? '';
  const found = readState(statePath);
  if (found === undefined) throw new Error(`no stack's state at ${statePath}`);
  state = found;
  browser = await launchChromium();
  page = await browser.newPage({ viewport: PICTURE_SIZE, colorScheme: 'light' });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const seen = async (selector: string) => (await page.locator(selector).textContent()) ?? '';

test('an operator watches the demo from the first deposit to the settled batch', async () => {
  const { adminUrl = '' } = state.endpoints;
  const token = readFileSync(state.secrets.operatorToken, 'utf8').trim();
  await page.goto(loginLink(adminUrl, token));
  await page.waitForURL(`${adminUrl}/`);
  await page.locator('#live[data-live=live]').waitFor();

  const ended = new AbortController();
  const watching = watchRates(ended.signal);
  const end = await runDemo(statePath, ['--seed', '42']);
  ended.abort();
  const rates = await watching;
  if (end.code !== 0) throw new Error(`the demo failed:\n${end.log}`);
  expect(Math.max(...rates)).toBeGreaterThan(0);

  await eventually(
    async () => {
      expect(await seen('#state')).toBe('all systems ready');
      expect(await seen('#conserved')).toBe('conserved');
      expect(await seen('#lag')).toBe('0');
      expect(await seen('#batches')).toContain('solidified');
      expect(await seen('#withdrawals')).toContain('solidified');
    },
    { timeoutMs: 60_000 },
  );
  const services = Object.keys(state.endpoints.opsUrls);
  for (const name of services) expect(await seen('#cluster')).toContain(`${name}ready`);
  for (const list of ['#deposits', '#rounds']) {
    expect(await seen(list), list).not.toContain('yet');
  }
  // The page's figures are some seconds old.
  if (stack !== undefined) await eventually(() => expectTotals(end), { timeoutMs: 20_000 });
  expect(complaints).toEqual([]);
  await takePicture();
});

/** The rates that the page shows until the signal. */
async function watchRates(signal: AbortSignal): Promise<number[]> {
  const rates: number[] = [];
  while (!signal.aborted) {
    rates.push(Number((await seen('#accepted')).replace(/\D/g, '')));
    await page.waitForTimeout(500);
  }
  return rates;
}

async function expectTotals({ result }: DemoEnd): Promise<void> {
  const snapshot = `fetch('/api/snapshot').then((response) => response.json())`;
  const { totals } = (await page.evaluate(snapshot)) as { totals: { value: Totals } };
  const sum = (field: 'depositedUnits' | 'withdrawnUnits') =>
    totals.value.assets.reduce((total, asset) => total + BigInt(asset[field]), 0n).toString();
  expect(sum('depositedUnits')).toBe(String(result?.depositedUnits));
  expect(sum('withdrawnUnits')).toBe(String(result?.withdrawnUnits));
}

async function takePicture(): Promise<void> {
  const wanted = process.env.UPDATE_DOCS !== undefined || !existsSync(PICTURE);
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-picture-'));
  await page.screenshot({ fullPage: true, path: wanted ? PICTURE : join(folder, 'dashboard.png') });
}

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BatchState } from '#libs/contracts';
import { eventually } from '#libs/testing';
import { loginLink } from '../../../deploy/local/src/where-to-look.js';
import { AdminWorld } from './admin-world.js';
import { launchChromium } from './chromium.js';
import { batch, letWaitForApproval } from './fake-batches.js';
import { type FakeCluster, letWait } from './fake-cluster.js';
import { OPERATOR_TOKEN, Relay } from './running-admin.js';

// The page as people see it: a real browser, through a relay that can be cut.

let world: AdminWorld;
let cluster: FakeCluster;
let relay: Relay;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the browser complains about: scripts' errors and violations of the content policy. */
let complaints: string[];
let url: string;

beforeAll(async () => {
  world = await AdminWorld.start();
  cluster = world.cluster;
  relay = new Relay({ host: '127.0.0.1', port: world.httpPort });
  await relay.open();
  url = `http://127.0.0.1:${relay.port}`;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await relay.close();
  await world.stop();
});

beforeEach(async () => {
  await world.reset();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  // A busy machine must not turn a slow step into a failure.
  page.setDefaultTimeout(30_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});

afterEach(() => context.close());

async function signIn(): Promise<void> {
  await page.goto(loginLink(url, OPERATOR_TOKEN));
  await page.waitForURL(`${url}/`);
  await page.locator('#live[data-live=live]').waitFor();
}

// What is seen, with the cells of a row apart: textContent would run them together.
// biome-ignore lint/performance/useDomNodeTextContent: the rendered text is what is tested.
const text = (selector: string) => page.locator(selector).innerText();
const shows = (selector: string, expected: string | RegExp) =>
  eventually(async () => expect(await text(selector)).toMatch(expected));

describe('signing in', () => {
  test('by a link leaves no token in the address bar', async () => {
    await signIn();
    expect(page.url()).toBe(`${url}/`);
    await page.goBack();
    expect(page.url()).not.toContain(OPERATOR_TOKEN);
    expect(complaints).toEqual([]);
  });

  test('by hand, after a wrong token was refused', async () => {
    await page.goto(`${url}/`);
    expect(page.url()).toBe(`${url}/login`);
    await page.getByLabel('Operator token').fill('not the token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shows('#login-error', 'the token is wrong');
    await page.getByLabel('Operator token').fill(OPERATOR_TOKEN);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}/`);
  });

  test('ends with signing out, and going back shows nothing', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect.poll(() => page.url(), { timeout: 30_000 }).toBe(`${url}/login`);
    await page.waitForLoadState();
    await page.goto(`${url}/`);
    expect(page.url()).toBe(`${url}/login`);
  });
});

describe('the dashboard', () => {
  beforeEach(signIn);

  test('shows the numbers, with the exact units behind them', async () => {
    await shows('#in-ledger', '19,250.25');
    expect(await page.locator('#in-ledger').getAttribute('title')).toBe('19,250,250,000 µBTT');
    await shows('#conserved', 'conserved');
    await shows('#channels-open', '42');
    await shows('#flows', /BTT \(TRC-20\)\s+12,500.25\s+1,000\s+11,500.25/);
    await shows('#cluster', /ingest\s+ready/);
    await shows('#batches', /7\s+broadcast/);
    await shows('#rounds', /311\s+abababab…ababab\s+12\s+0.0015/);
    await shows('#audit', 'login');
    await shows('#state', 'all systems ready');
    expect(complaints).toEqual([]);
  });

  test('changes by itself', async () => {
    await shows('#channels-open', '42');
    cluster.state.totals.channelsClosed += 2n;
    cluster.state.batches.unshift(batch(9n, BatchState.SIGNED, BigInt(Date.now())));
    await shows('#channels-open', '40');
    await shows('#batches', /9\s+signed/);
  });

  test('says that it is stale when the stream breaks, and recovers', async () => {
    await relay.close();
    await page.locator('#live[data-live=stale]').waitFor();
    await shows('#live-text', 'stale');
    await relay.open();
    await page.locator('#live[data-live=live]').waitFor();
    await shows('#live-text', /^live$/);
  });

  test('shows an alarm and what is behind it', async () => {
    cluster.state.totals.conserved = false;
    cluster.state.totals.firstDifference = 'fees: tables 5, journal 6';
    await shows('#alarms', 'fees: tables 5, journal 6');
    await shows('#state', 'alarm');
    await shows('#conserved', 'not conserved');
  });

  test('lists what waits for an operator', async () => {
    await shows('#held-note', 'Nothing, as it should be.');
    expect(await page.locator('#held-table').isVisible()).toBe(false);
    letWait(cluster.state, 'no payment of it is on record here');
    await shows('#held-note', '1 payouts held, 1 deposits in suspense');
    await shows('#held', /payout\s+held\s+TJRyWwFs…g5tDeC\s+BTT \(TRC-20\)\s+2.5\s+no payment/);
    await shows('#held', /deposit\s+suspense\s+TJRyWwFs…g5tDeC\s+BTTOLD \(TRC-10\)\s+3\s/);
    await shows('#alarms', 'payouts held 1');
  });

  test('lets an operator credit a deposit that waits, with a reason', async () => {
    letWait(cluster.state, 'paid twice?');
    await page.getByRole('button', { name: 'Resolve a deposit' }).click();
    expect(await text('#resolve-deposit')).toMatch(/suspense: 3 .* from TJRyWwFs…g5tDeC/);
    await page.getByLabel('Account to credit').fill('TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC');
    await page.getByLabel('Reason').fill('ticket 12');
    await page.getByRole('button', { name: 'Credit' }).click();
    await shows('#resolve-text', 'It is credited.');
    expect(cluster.state.resolutions).toHaveLength(1);
    await page.getByRole('button', { name: 'Close' }).click();
    await eventually(async () => {
      expect(await page.getByRole('button', { name: 'Resolve a deposit' }).isVisible()).toBe(false);
    });
    await shows('#audit', 'deposit-credit');
    expect(complaints).toEqual([]);
  });

  test('shows batches that wait for approval, and payouts that wait to be claimed', async () => {
    await shows('#undecided-note', 'None.');
    expect(await page.getByRole('button', { name: 'Decide about a batch' }).isVisible()).toBe(
      false,
    );
    letWaitForApproval(cluster.state, 12n);
    cluster.state.status.claimablePayouts = 3n;
    const claims = batch(9n, BatchState.SOLIDIFIED, BigInt(Date.now()));
    const claimableUntilMs = BigInt(Date.UTC(2030, 0, 2, 3, 4));
    cluster.state.batches = [{ ...claims, toClaim: true, claimableUntilMs }];
    await shows('#undecided', /12\s+vault batch\s+BTT \(TRC-20\)\s+20\s+480\s+62.34\s+5 min ago/);
    await shows('#alarms', "wait for an operator's approval: 1");
    await shows('#claimable', '3');
    await shows('#batches', /9\s+solidified, claims until 2030-01-02T03:04Z/);
  });

  test('lets an operator approve a batch, with name and reason, after a second look', async () => {
    letWaitForApproval(cluster.state, 13n, 12n);
    await shows('#undecided', /^13\s[\s\S]*\n12\s/);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    await press('Decide about a batch…');
    await page.getByLabel('Batch', { exact: true }).selectOption({ index: 1 });
    await shows('#decide-payees', /^(TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC\s+24\s+){19}TJRy/);
    // Without a name and a reason nothing is even asked.
    await press('Approve…');
    expect(await page.getByRole('button', { name: 'Yes' }).isVisible()).toBe(false);
    await page.getByLabel('Your name').fill('ann');
    await page.getByLabel('Why, kept for ever').fill('ticket 12');
    await press('Approve…');
    await shows('#decide-text', 'Approve batch 12: 480 BTTOLD to 20 payees? It is signed and paid');
    await press('Back');
    expect(cluster.state.decisions).toEqual([]);
    await press('Approve…');
    await press('Yes');
    await shows('#decide-text', 'Batch 12 is approved.');
    expect(cluster.state.decisions).toEqual([
      { batchNo: 12n, approve: true, operator: 'ann', note: 'ticket 12' },
    ]);
    await press('Close');
    await shows('#undecided', /^13\s+vault batch/);
    await shows('#audit', 'batch-approve');
    expect(complaints).toEqual([]);
  });

  test('lets an operator reject a batch, and says when somebody else was first', async () => {
    letWaitForApproval(cluster.state, 12n);
    await shows('#undecided', /^12\s/);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    await press('Decide about a batch…');
    await page.getByLabel('Your name').fill('ann');
    await page.getByLabel('Why, kept for ever').fill('looks odd');
    await press('Reject…');
    await shows('#decide-text', 'They go back to their owners, who read your reason');
    const first = { batchNo: 12n, approve: true, operator: 'bob', note: 'quick' };
    cluster.state.decisions.push(first);
    await press('Yes');
    await shows('#decide-text', 'NOT_PERMITTED: batch 12 was approved by bob');
    cluster.state.decisions = [];
    await press('Reject…');
    await press('Yes');
    await shows('#decide-text', 'Batch 12 is rejected.');
    expect(cluster.state.decisions.map(({ approve }) => approve)).toEqual([false]);
  });

  test('shows hostile text as text', async () => {
    const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    const failed = batch(9n, BatchState.FAILED, BigInt(Date.now()));
    cluster.state.batches = [{ ...failed, failure: hostile, txid: hostile }];
    cluster.state.status.paused = hostile;
    cluster.state.checks = { [hostile]: hostile };
    letWait(cluster.state, hostile);
    await shows('#alarms', '<img src=x onerror=');
    await shows('#batches', '<script>window.hacked=1</script>');
    await shows('#cluster', '<img src=x onerror=');
    await shows('#held', '<script>window.hacked=1</script>');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('main img, main script, #alarms img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('has a content policy that the browser enforces', async () => {
    // What an attacker could try: inline script and style, and markup written by a script.
    await page.evaluate(`{
      const style = document.createElement('style');
      style.textContent = 'body { display: none }';
      document.body.append(style);
      const script = document.createElement('script');
      try { script.textContent = 'window.hacked = 1'; document.body.append(script); } catch {}
      try { document.body.insertAdjacentHTML('beforeend', '<b onclick="window.hacked=1">x</b>'); } catch {}
    }`);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('body').isVisible()).toBe(true);
    expect(complaints.join()).toContain('Content Security Policy');
    expect(complaints.filter((text) => text.includes("requires 'Trusted"))).toHaveLength(2);
  });

  test('runs settlement only after a dry run was shown and confirmed', async () => {
    await page.getByRole('button', { name: 'Run settlement now' }).click();
    await shows('#run-batches', /BTT \(TRC-20\)\s+20\s+480/);
    expect(cluster.state.runs).toEqual([true]);
    await page.getByRole('button', { name: 'Pay now' }).click();
    await shows('#run-text', 'Started');
    expect(cluster.state.runs).toEqual([true, false]);
    await shows('#audit', 'settlement-run');
  });

  test('offers no payment when nothing is due', async () => {
    cluster.state.due = [];
    await page.getByRole('button', { name: 'Run settlement now' }).click();
    await shows('#run-text', 'Nothing is due');
    expect(await page.getByRole('button', { name: 'Pay now' }).isVisible()).toBe(false);
  });

  test.each([
    [1440, 'light'],
    [820, 'dark'],
    [390, 'dark'],
  ] as const)('fits a screen of %d pixels', async (width, colorScheme) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await shows('#in-ledger', '19,250.25');
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBe(0);
  });
});

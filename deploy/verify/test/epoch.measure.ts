import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { SnapshotLiabilitiesResponse } from '#libs/contracts';
import { Database, migrate } from '#libs/database';
import { startDevchain } from '#libs/devchain';
import { addressFromBytes } from '#libs/domain';
import { ChainWallet } from '#libs/tron';
import { faucetKey, provision } from '../../../contracts/src/provision.js';
import { ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';
import { EpochMakerService } from '../../../services/settlement/src/application/epoch-maker.service.js';
import { loadConfig } from '../../../services/settlement/src/config.js';
import { createParts, type Parts } from '../../../services/settlement/src/parts.js';
import { compiled, repositoryRoot } from '../../local/src/root.js';
import { startStack } from '../../local/src/stack.js';

// Measures an epoch over many accounts: its tree, a proof, and npm run verify. On a server and a chain of its own:
//   node dist/deploy/verify/test/epoch.measure.js --accounts 1000000

const HOT_WALLET_KEY = '0c'.repeat(32);
const UNIT = 10n ** 15n;
const ROWS_PER_INSERT = 20_000;
const MIB = 2 ** 20;
const TICKS_PER_SECOND = 100;

const { values } = parseArgs({ options: { accounts: { type: 'string', default: '1000000' } } });
const accounts = Number(values.accounts);
const folder = mkdtempSync(join(tmpdir(), 'swarmledger-measure-'));
const { DATABASE_URL: _, ...env } = process.env;
const stack = await startStack({
  dataDir: join(folder, 'data'),
  parts: ['postgres'],
  guard: true,
  temporary: true,
  env,
});
const devchain = await startDevchain({ blockIntervalMs: 200, solidLagBlocks: 3 });
try {
  await measure(stack.urls.databaseUrl ?? '');
} finally {
  await devchain.stop();
  await stack.stop();
}

async function measure(url: string): Promise<void> {
  await migrate(url);
  const place = await provision(devchain.url, HOT_WALLET_KEY, undefined);
  const owner = new Database({ url, applicationName: 'measure', connectionsMax: 1 });
  const kit = ledgerKit(url, { CHAIN_ID: place.chainId, VAULT_ADDRESS: place.vaultAddress });
  const units = await timed('rows', () => seed(owner));
  await timed('sealed', async () => {
    while ((await kit.use.sealing.round()) > 0);
  });
  const faucet = new ChainWallet({ url: devchain.url, timeoutMs: 5_000 }, faucetKey());
  await faucet.sendTrc20(place.trc20Address, place.vaultAddress, units * UNIT);
  const parts = partsOver(url, { ...place });
  const maker = makerOver(parts, kit);
  await timed('tree built and stored', () => maker.make());
  await commit(parts);
  const given = {
    DATABASE_URL: url,
    TRON_NODE_URL: devchain.url,
    CHAIN_ID: place.chainId,
    VAULT_ADDRESS: place.vaultAddress,
    TRC10_ID: place.trc10Id,
  };
  const [one] = await owner.sql<{ address: string }[]>`
    select address from ledger.accounts where account_no = ${Math.ceil(accounts / 2)}`;
  await verify(['--account', one?.address ?? ''], given);
  await verify([], given);
  await Promise.all([kit.database.close(), owner.close()]);
  parts.books.close();
  await parts.leader.close();
  await parts.database.close();
}

/** So many accounts that have deposited, as if each had done it by itself. Returns what is owed to all of them. */
async function seed({ sql }: Database): Promise<bigint> {
  const nowMs = BigInt(Date.now());
  await sql`set statement_timeout = 0`;
  await sql`select ledger.ensure_journal_partitions(${nowMs}, 1)`;
  for (let at = 0; at < accounts; at += ROWS_PER_INSERT) {
    const count = Math.min(ROWS_PER_INSERT, accounts - at);
    const addresses = Array.from({ length: count }, () => addressFromBytes(randomBytes(20)));
    await sql`insert into ledger.accounts (address, created_at_ms)
      select unnest(${addresses}::text[]), ${nowMs}`;
  }
  await sql`create temporary table paid as
    select account_no as no, 1000 + account_no % 1000 as units,
      sha256(account_no::text::bytea) as txid, address from ledger.accounts`;
  await sql`insert into ledger.balances select -1, no, units from paid`;
  await sql`insert into ledger.journal
    select ${nowMs}, -1, no, 0, 1, 6, 1, 1, no, units, txid from paid`;
  await sql`insert into ledger.deposits (txid, index, asset, account_no, units, block_number, credited_at_ms)
    select txid, 0, 1, no, units, 1, ${nowMs} from paid`;
  await sql`insert into settlement.deposits (txid, index, asset, sender, base_units, units, state,
      suspense, block_number, seen_at_ms, booked_at_ms)
    select txid, 0, 1, address, units * 1e15, units, 2, false, 1, ${nowMs}, ${nowMs} from paid`;
  await sql`insert into ledger.unsealed_operations select no, ${nowMs} from paid`;
  await sql`update ledger.system_balances set units = (select sum(units) from paid)
    where kind = 6 and no = 1`;
  await sql`analyze`;
  const [sum] = await sql<{ units: bigint }[]>`select sum(units)::bigint as units from paid`;
  return sum?.units ?? 0n;
}

function partsOver(url: string, place: Record<string, unknown>): Parts {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const config = loadConfig({
    ...{ HTTP_PORT: '1', GRPC_PORT: '1', INTERNAL_GRPC_PORT: '1', DATABASE_URL: url },
    CHAIN_ID: String(place.chainId),
    VAULT_ADDRESS: String(place.vaultAddress),
    TRC20_ADDRESS: String(place.trc20Address),
    TRC10_ID: String(place.trc10Id),
    INTERNAL_TOKEN_FILE: file('token', 'a measurement'),
    HOT_WALLET_KEY_FILE: file('key', HOT_WALLET_KEY),
    BALANCE_INTERNAL_URL: 'localhost:1',
    TRON_NODE_URL: devchain.url,
    REBROADCAST_MS: '300',
  });
  return createParts(config, pino({ level: 'error' }));
}

/** Makes epochs of what the books of this process tell, piece by piece. */
function makerOver(parts: Parts, kit: ReturnType<typeof ledgerKit>): EpochMakerService {
  const { epochs, vaultCheck, clock } = parts;
  const books = { liabilities: () => piecesOf(kit) };
  return new EpochMakerService(epochs, books, vaultCheck, clock, pino({ level: 'error' }), 10);
}

async function* piecesOf(kit: ReturnType<typeof ledgerKit>) {
  let [ready, taken] = [
    Promise.withResolvers<SnapshotLiabilitiesResponse | undefined>(),
    Promise.withResolvers<void>(),
  ];
  const ended = kit.use.liabilities
    .snapshot(async (piece) => {
      ready.resolve({ piece });
      await taken.promise;
    })
    .finally(() => ready.resolve(undefined));
  for (;;) {
    const next = await ready.promise;
    if (next === undefined) break;
    yield next;
    ready = Promise.withResolvers();
    const free = taken;
    taken = Promise.withResolvers();
    free.resolve();
  }
  value(await ended);
}

async function commit(parts: Parts): Promise<void> {
  for (let round = 0; round < 200; round++) {
    while (await parts.watcher.round());
    await parts.epochDriver.round();
    if ((await parts.epochs.find(undefined)) !== undefined) return;
    await sleep(100);
  }
  throw new Error(`the epoch was not committed: ${parts.epochDriver.paused}`);
}

/** Runs npm run verify; tells its time and its largest memory. */
async function verify(args: readonly string[], given: Readonly<Record<string, string>>) {
  const startedMs = performance.now();
  const main = compiled('deploy/verify/src/main.js');
  const child = spawn(process.execPath, [main, '--data', folder, ...args], {
    env: { PATH: process.env.PATH ?? '', ...given },
    cwd: repositoryRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const used = usageOf(child.pid ?? 0);
  const [code] = (await once(child, 'exit')) as [number];
  tell(`verify ${args[0] ?? ''} (ended with ${code})`, startedMs, used());
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const used = usageOf(process.pid);
  const result = await work();
  tell(what, startedMs, used());
  return result;
}

type Usage = { readonly peakMib: number; readonly cpuSeconds: number };

/** Looks at a process until it is asked for the most memory that was seen, and for the processor time meanwhile. */
function usageOf(pid: number): () => Usage {
  const first = cpuTicksOf(pid);
  let [peakKib, last] = [0, first];
  const look = () => {
    try {
      const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      peakKib = Math.max(peakKib, Number(kib ?? 0));
      last = cpuTicksOf(pid);
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, 50);
  return () => {
    clearInterval(timer);
    look();
    return { peakMib: (peakKib * 1024) / MIB, cpuSeconds: (last - first) / TICKS_PER_SECOND };
  };
}

function cpuTicksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

function tell(what: string, startedMs: number, { peakMib, cpuSeconds }: Usage): void {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const cpu = `${cpuSeconds.toFixed(1)} s of processor`;
  process.stdout.write(`${what}: ${seconds} s, ${cpu}, ${peakMib.toFixed(0)} MiB at most\n`);
}

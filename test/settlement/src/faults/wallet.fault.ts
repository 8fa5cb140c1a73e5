import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, Metadata } from '@grpc/grpc-js';
import { Asset, BooksServiceClient, type CreditDepositRequest } from '#libs/contracts';
import { callData } from '#libs/tron';
import type { ProcessIdentity } from '../../../../deploy/local/src/process-identity.js';
import { chainHex } from '../check/chain-record.js';
import { until } from '../cluster.js';
import { callEnds } from './chain-tools.js';
import { explainOurs } from './explain.js';
import { ask, BITTEN, type Bite, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const LEFT_SUN = 1_000_000n;
const REFILL_SUN = 1_000_000_000_000n;
const SUPPLY_UNITS = 990_000_000_000_000_000n;
const SOLID_BLOCKS = 20;
const EXPIRY_BLOCKS = 160;
/** More transfers than the free bandwidth of a day pays for. */
const FREE_TRANSFERS = 3;
/** A little more than the bandwidth of a transfer of TRX costs. */
const TRANSFER_FEE_SUN = 300_000n;
/** Enough for the bytes of a batch of two and less than half of its energy. */
const BANDWIDTH_ONLY_SUN = 4_000_000n;

/** Settlement says in its log that it is paused, for a reason that holds these words. */
function saysPaused({ cluster }: FaultTools, words: string) {
  const log = cluster.followLog('settlement');
  return () =>
    until(BITE_MS, async () => {
      const text = log.text();
      return text.includes('settlement is paused') && text.includes(words);
    });
}

/** The hot wallet's TRX is gone; nothing is signed until there is some again. */
async function emptyWallet(tools: FaultTools): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const hot = traffic.wallet(cluster.secret('hotWalletKey'));
  await truth.mine(SOLID_BLOCKS);
  const { sun } = await truth.holdings(chainHex(hot.address), cluster.network.trc10Id);
  await hot.sendTrx(traffic.faucet.address, sun - LEFT_SUN);
  await truth.mine(SOLID_BLOCKS);
  if (!(await explainOurs(tools, 1)))
    return missed('settlement did not read what the rig has sent');
  const isPaused = saysPaused(tools, 'TRX');
  await ask(tools);
  const paused = await isPaused();
  await truth.fund(hot.address, REFILL_SUN);
  return paused ? BITTEN : missed('settlement did not say that TRX is short');
}

/**
 * The hot wallet is almost emptied after transactions were signed and before they are sent. The rest pays either for
 * bandwidth but not for energy, or for neither.
 */
async function emptyAfterSigning(tools: FaultTools, lacks: 'energy' | 'bandwidth'): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const hot = traffic.wallet(cluster.secret('hotWalletKey'));
  const log = cluster.followLog('settlement');
  const stopped = await stopBeforeSending(tools);
  if (stopped === undefined) return missed('nothing was about to be sent');
  for (let burnt = 0; burnt < FREE_TRANSFERS; burnt++)
    await hot.sendTrx(traffic.faucet.address, 1n);
  await truth.mine(SOLID_BLOCKS);
  const { sun } = await truth.holdings(chainHex(hot.address), cluster.network.trc10Id);
  const leftSun = lacks === 'energy' ? BANDWIDTH_ONLY_SUN : 0n;
  await hot.sendTrx(traffic.faucet.address, sun - leftSun - TRANSFER_FEE_SUN);
  const { headNumber } = await truth.status();
  const isPaused = saysPaused(tools, 'TRX');
  cluster.kill(stopped, 'SIGCONT');
  const bite =
    lacks === 'energy'
      ? await callEnds(tools, headNumber, 'OUT_OF_ENERGY', 'REVERT')
      : (await until(BITE_MS, async () => log.text().includes('BANDWITH_ERROR')))
        ? BITTEN
        : missed('no broadcast was refused for want of bandwidth');
  await truth.mine(lacks === 'bandwidth' ? EXPIRY_BLOCKS : SOLID_BLOCKS);
  const read = await explainOurs(tools, FREE_TRANSFERS + 1);
  const paused = read && (await isPaused());
  await truth.fund(hot.address, REFILL_SUN);
  return paused ? bite : missed('settlement did not say that TRX is short');
}

/** The vault is paused after a batch was signed: the batch reverts, and nothing more is signed until that is over. */
async function pausedVault(tools: FaultTools): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const { vaultAddress } = cluster.network;
  const stopped = await stopBeforeSending(tools);
  if (stopped === undefined) return missed('nothing was about to be sent');
  await traffic.faucet.trigger(vaultAddress, callData('pause()'));
  const { headNumber } = await truth.status();
  const isPaused = saysPaused(tools, 'the vault is paused');
  cluster.kill(stopped, 'SIGCONT');
  const bite = await callEnds(tools, headNumber, 'REVERT');
  const paused = await isPaused();
  await traffic.faucet.trigger(vaultAddress, callData('unpause()'));
  return paused ? bite : missed('settlement did not say that the vault is paused');
}

/** Stops settlement with signed bytes in hand; undefined when it does not come to that. */
async function stopBeforeSending(tools: FaultTools): Promise<ProcessIdentity | undefined> {
  const { cluster, truth, traffic } = tools;
  const victim = cluster.identity('settlement');
  await traffic.deposits();
  await truth.mine(1);
  cluster.arm(victim, 'settlement.before-broadcast:1:stop');
  await traffic.withdrawals();
  if (await until(BITE_MS, async () => cluster.isStopped(victim))) return victim;
  cluster.arm(victim, '');
  return undefined;
}

/** Another key may sign for the hot wallet: nothing is signed until an operator has put that right. */
async function changedPermissions(tools: FaultTools): Promise<Bite> {
  const { cluster, truth, traffic } = tools;
  const key = cluster.secret('hotWalletKey');
  const hot = traffic.wallet(key).address;
  const thief = traffic.wallet(traffic.derive('thief').toString('hex')).address;
  await truth.changePermissions(key, [hot, thief]);
  await truth.mine(SOLID_BLOCKS);
  const isPaused = saysPaused(tools, 'permission');
  const signed = async () => {
    const [row] = await cluster.sql<{ count: bigint }[]>`select count(*) from settlement.attempts`;
    return row?.count;
  };
  // What was signed before may still go out; two blocks later nothing new is.
  await sleep(200);
  const before = await signed();
  await ask(tools);
  const paused = await isPaused();
  const after = await signed();
  await truth.changePermissions(key, [hot]);
  await truth.mine(SOLID_BLOCKS);
  if (!(await explainOurs(tools, 2))) return missed('settlement did not read the changes');
  if (before !== after) return missed(`${after} transactions signed, ${before} before the change`);
  return paused ? BITTEN : missed('settlement did not say that permissions have changed');
}

/** Reports of deposits with a wrong unit, asset or account: the ledger must refuse each. */
async function wrongUnits(tools: FaultTools): Promise<Bite> {
  const { cluster, traffic } = tools;
  await ask(tools);
  let row: { txid: Buffer; index: number; asset: number; units: bigint } | undefined;
  await until(BITE_MS, async () => {
    [row] = await cluster.sql`select txid, index, asset, units from ledger.deposits
      where account_no is not null order by credited_at_ms desc limit 1`;
    return row !== undefined;
  });
  if (row === undefined) return missed('there is no deposit');
  const account = traffic.wallet(traffic.derive('clerk').toString('hex')).address;
  const { asset, units } = row;
  const other = asset === Asset.TRC20_BTT ? Asset.TRC10_BTTOLD : Asset.TRC20_BTT;
  const known = { txid: row.txid, index: row.index, blockNumber: 1n, suspense: false, account };
  const imported = { ...known, txid: traffic.derive('import', traffic.asked.length) };
  const lies: CreditDepositRequest[] = [
    // Of a transfer that is booked: × 1000, by the other asset, to another account, to nobody.
    { ...known, ...worth(asset, units * 1_000n) },
    { ...known, ...worth(other, units) },
    { ...known, ...worth(asset, units) },
    { ...known, ...worth(asset, units), suspense: true },
    // Of one that nobody knows: above the supply, and units that do not follow from what moved.
    { ...imported, ...worth(asset, SUPPLY_UNITS + 1n) },
    { ...imported, ...worth(asset, units), amountUnits: units * 1_000n },
    { ...imported, ...worth(asset, units), asset: other },
  ];
  const books = new BooksServiceClient(
    cluster.stack.urls.balanceInternalGrpc ?? '',
    credentials.createInsecure(),
  );
  const metadata = new Metadata();
  metadata.set('swarmledger-internal-token', cluster.secret('internalToken'));
  try {
    for (const [no, request] of lies.entries()) {
      const refused = await new Promise<boolean>((resolve) => {
        books.creditDeposit(request, metadata, (error) => resolve(error !== null));
      });
      if (!refused) return missed(`the ledger took wrong report ${no + 1} of ${lies.length}`);
    }
    return BITTEN;
  } finally {
    books.close();
  }
}

/** Units, and the base units that they are. */
function worth(asset: Asset, amountUnits: bigint) {
  const perUnit = asset === Asset.TRC20_BTT ? 10n ** 15n : 1n;
  return { asset, amountUnits, baseUnits: (amountUnits * perUnit).toString() };
}

const one = { processes: 1 } as const;

/** What happens to the hot wallet, and units that are wrong. */
export const WALLET_FAULTS: readonly Fault[] = [
  {
    ...one,
    plan: 'T23',
    name: 'wallet.out-of-trx',
    meaning: 'the hot wallet has no TRX',
    act: emptyWallet,
  },
  {
    ...one,
    plan: 'T23',
    name: 'wallet.out-of-energy',
    meaning: 'the hot wallet is emptied after signing: what is left pays for bandwidth only',
    act: (tools) => emptyAfterSigning(tools, 'energy'),
  },
  {
    ...one,
    plan: 'T23',
    name: 'wallet.out-of-bandwidth',
    meaning: 'the hot wallet is emptied after signing: not even the bytes can be paid',
    act: (tools) => emptyAfterSigning(tools, 'bandwidth'),
  },
  {
    ...one,
    plan: 'T23',
    name: 'vault.paused',
    meaning: 'the vault is paused after signing: the batch reverts',
    act: pausedVault,
  },
  {
    ...one,
    plan: 'T25',
    name: 'wallet.permissions-changed',
    meaning: 'another key may sign for the hot wallet',
    act: changedPermissions,
  },
  {
    ...one,
    plan: 'T28',
    name: 'ledger.wrong-units',
    meaning: 'deposits reported × 1000, by another asset, to another account, above the supply',
    act: wrongUnits,
  },
];

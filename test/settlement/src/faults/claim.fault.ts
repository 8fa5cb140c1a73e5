import { toHex } from '#libs/domain';
import { CLAIM_POINTS, type FailPoint } from '#libs/failpoints';
import { callData } from '#libs/tron';
import { chainHex } from '../check/chain-record.js';
import { until } from '../cluster.js';
import { forkAway, isOf, isOfHotWallet } from './chain-tools.js';
import { claimOf, type Hurt, type Phase, playClaims } from './claim-play.js';
import { BITTEN, type Bite, between, type Fault, type FaultTools, missed } from './fault.js';

const BITE_MS = 20_000;
const EXPIRY_BLOCKS = 160;
const BLOCK_MS = 40;

type ClaimPoint = (typeof CLAIM_POINTS)[number];

const POINTS: Readonly<Record<ClaimPoint, readonly [Phase, string]>> = {
  'settlement.after-deadline': ['commit', 'deadline of a claim set stored, nothing signed'],
  'settlement.after-claimed': ['claim', 'a claim noted, the ledger not told'],
  'settlement.before-release-signed': ['release', 'a release signed, not stored'],
  'settlement.after-release-signed': ['release', 'a signed release stored, nothing sent'],
  'settlement.before-release-broadcast': ['release', 'about to send the stored bytes of a release'],
  'settlement.after-release-broadcast': ['release', 'a release sent and answered, not noted'],
  'settlement.after-release-noted': ['release', 'noted that a release was sent'],
  'settlement.after-release-confirmed': ['release', 'noted that a release is in a block'],
  'settlement.after-release-ended': ['release', 'a release failed, the next one not signed'],
  'settlement.before-given-back': ['release', 'a release solidified, nothing given back'],
  'settlement.after-given-back': ['release', 'what nobody claimed given back, the ledger not told'],
};

/** Points of all payouts, passed by those that are claimed. */
const SHARED: readonly (readonly [Phase, FailPoint, string])[] = [
  ['commit', 'settlement.after-plan', 'a claim set is planned'],
  ['commit', 'settlement.after-signed', 'a signed claim set stored, nothing sent'],
  ['commit', 'settlement.after-broadcast', 'a claim set sent and answered, not noted'],
  ['commit', 'settlement.after-finished', 'a claim set committed, the ledger not told'],
  ['claim', 'settlement.before-scan-stored', 'a block with a claim read, not stored'],
  ['claim', 'settlement.after-report', 'the ledger told of a claim, not noted'],
  ['release', 'settlement.after-scan-stored', 'a block with a release stored, nothing concluded'],
  ['release', 'settlement.after-report', 'the ledger told to give back, not noted'],
];

/** Kills settlement at a point. */
export const killing =
  (point: FailPoint): Hurt =>
  async ({ cluster, truth }) => {
    const victim = cluster.identity('settlement');
    const log = cluster.followLog('settlement');
    if (point === 'settlement.after-release-ended') {
      await truth.arm({ kind: 'fail-call', result: 'OUT_OF_ENERGY', count: 1 });
    }
    cluster.arm(victim, `${point}:1`);
    return async () => {
      if (!(await cluster.died(victim, BITE_MS))) {
        cluster.arm(victim, '');
        return missed(`no pass of ${point}`);
      }
      const told = `fail-point ${point}: SIGKILL to process ${victim.pid}\n`;
      return log.text().includes(told) ? BITTEN : missed(`it died, but not at ${point}`);
    };
  };

/** Lets chain or node misbehave until it has. */
const misbehaving =
  (fault: { readonly kind: string } & Readonly<Record<string, unknown>>): Hurt =>
  async ({ truth }) => {
    await truth.arm(fault);
    return async () =>
      (await truth.armed(fault.kind)) === 0
        ? BITTEN
        : missed(`${fault.kind} had nothing to act on`);
  };

/** Undoes the block of what settlement, or whoever claims, has sent. */
const undoing =
  (whose: 'settlement' | 'claimant', transactions: 'return' | 'drop'): Hurt =>
  async (tools) => {
    const wanted =
      whose === 'settlement' ? isOfHotWallet(tools) : isOf(chainHex(tools.traffic.faucet.address));
    const undone = forkAway(tools, wanted, transactions);
    return () => undone;
  };

/** All releases are lost, and the node says that one of them is in a block. Nothing may go back for that. */
const falseRelease =
  (api: 'wallet' | 'walletsolidity'): Hurt =>
  async (tools) => {
    await tools.truth.arm({ kind: 'drop', count: 1_000 });
    const told = tellOfRelease(tools, api);
    return () => told;
  };

async function tellOfRelease({ cluster, truth }: FaultTools, api: string): Promise<Bite> {
  let sent: { txid: string; batchNo: bigint } | undefined;
  await until(2 * BITE_MS, async () => {
    [sent] = await cluster.sql<{ txid: string; batchNo: bigint }[]>`
      select encode(txid, 'hex') as txid, batch_no as "batchNo" from settlement.release_attempts
      where outcome = 0 and broadcasts > 0`;
    return sent !== undefined;
  });
  if (sent === undefined) return missed('no release was sent');
  const { headNumber } = await truth.status();
  const body = { id: sent.txid, blockNumber: headNumber, fee: 0, receipt: { result: 'SUCCESS' } };
  const path = `/${api}/gettransactioninfobyid`;
  await truth.arm({ kind: 'answer', path, body, count: 12 });
  if (api === 'walletsolidity') await truth.mine(EXPIRY_BLOCKS);
  const told = await until(BITE_MS, async () => (await truth.armed('answer')) < 12);
  const [back] = await cluster.sql`
    select from settlement.claim_sets where batch_no = ${sent.batchNo} and state = 5`;
  await truth.disarm();
  if (back !== undefined) return missed('a lie of the node was believed');
  return told ? BITTEN : missed('nobody asked about it');
}

/** A claim and a stranger's release in one block around the last moment: one of them wins, for good. */
async function lastMoment(tools: FaultTools): Promise<Bite> {
  const { traffic, truth, random } = tools;
  const [taken, left] = await traffic.claims();
  const [claim, other] = [await claimOf(tools, taken), await claimOf(tools, left)];
  if (claim === undefined || other === undefined) return missed('nothing became claimable');
  const { claimableUntilMs: untilMs } = claim;
  const { headNumber } = await truth.status();
  await truth.setProducing(false);
  try {
    await truth.mineAt(untilMs - 20_000);
    const release = callData('releaseClaims(bytes32)', [`0x${toHex(claim.chainBatchId)}`]);
    const calls = random() < 0.5 ? [release, claim.data] : [claim.data, release];
    for (const call of calls) await traffic.callVault(call);
    // The deadline's second counts; blocks have a grid of their own.
    await truth.mineAt(untilMs + 1_000 + between(-3, 2, random) * BLOCK_MS);
  } finally {
    await truth.setProducing(true);
  }
  const ours = isOf(chainHex(traffic.faucet.address));
  const now = await truth.status();
  const blocks = await truth.openBlocks(headNumber + 1, now.headNumber);
  const ends = blocks
    .flatMap(({ transactions = [] }) => transactions.filter(ours))
    .map(({ ret }) => ret?.[0]?.contractRet);
  // The other one's set may be another, with a later end.
  await truth.mineAt(Math.max(untilMs, other.claimableUntilMs) + 5_000);
  const won = ends.filter((end) => end === 'SUCCESS').length;
  return ends.length === 2 && won === 1 ? BITTEN : missed(`the two ended with ${ends}`);
}

const one = { processes: 1 } as const;
const during = (
  name: string,
  plan: string,
  meaning: string,
  [phase, hurt]: readonly [Phase, Hurt],
): Fault => ({
  ...one,
  plan,
  name: `claims.${name}`,
  meaning,
  act: (tools) => playClaims(tools, phase, hurt),
});
const lieSuccess = { kind: 'lie-success', count: 1 };
const failing = { kind: 'fail-call', result: 'OUT_OF_ENERGY', count: 1 };
const LIES = 'settlement is told that it was sent, and it was not';

/** What happens to withdrawals that their owners claim, or do not claim in time. */
export const CLAIM_FAULTS: readonly Fault[] = [
  ...Object.entries(POINTS).map(([point, [phase, meaning]]): Fault => {
    const hurt = killing(point as ClaimPoint);
    return {
      ...one,
      plan: 'T3',
      name: point,
      meaning,
      act: (tools) => playClaims(tools, phase, hurt),
    };
  }),
  ...SHARED.map(([phase, point, meaning]) =>
    during(`${phase}.${point.split('.')[1]}`, 'T3', meaning, [phase, killing(point)]),
  ),
  during(
    'commit.undone',
    'T20',
    'the block in which a claim set is committed is undone, it is lost',
    ['commit', undoing('settlement', 'drop')],
  ),
  during('claim.undone', 'T20', 'the block with a claim is undone, the claim is lost', [
    'claim',
    undoing('claimant', 'drop'),
  ]),
  during('claim.moved', 'T20', 'the block with a claim is undone, it is in a later one', [
    'claim',
    undoing('claimant', 'return'),
  ]),
  during('release.undone', 'T20', 'the block with a release is undone, the release is lost', [
    'release',
    undoing('settlement', 'drop'),
  ]),
  during('commit.lied-about', 'T21', `of a claim set ${LIES}`, ['commit', misbehaving(lieSuccess)]),
  during('release.lied-about', 'T21', `of a release ${LIES}`, ['release', misbehaving(lieSuccess)]),
  during(
    'release.false-inclusion',
    'T21',
    'the node says SUCCESS of a release that is in no block',
    ['release', falseRelease('wallet')],
  ),
  during(
    'release.false-solid',
    'T21',
    'the node says that a release is solidified that has expired',
    ['release', falseRelease('walletsolidity')],
  ),
  during('commit.out-of-energy', 'T23', 'a claim set cannot be committed', [
    'commit',
    misbehaving(failing),
  ]),
  during('release.out-of-energy', 'T23', 'a release fails', ['release', misbehaving(failing)]),
  {
    ...one,
    plan: 'T23',
    name: 'claims.last-moment',
    meaning: 'a claim and a release by somebody else in one block, about when the time is over',
    act: lastMoment,
  },
];

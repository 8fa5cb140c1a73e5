import { until } from '../cluster.js';
import { hastened } from '../haste.js';
import type { Claim, Claimable } from '../traffic.js';
import { type Bite, type FaultTools, missed } from './fault.js';

const STEP_MS = 60_000;
const CLAIM_AGAIN_MS = 4_000;
const SOLIDIFIED = 7;
const REFUNDED = 8;
const CLAIMABLE = 10;

/** What a claim set goes through: it is committed; one line is claimed; the time of the other is over. */
export type Phase = 'commit' | 'claim' | 'release';
/** Hurts from the beginning of a phase on; what it returns is asked at the end whether it bit. */
export type Hurt = (tools: FaultTools) => Promise<() => Promise<Bite>>;

/**
 * Two people want to claim what they withdraw. One does, twice; the other lets the time pass and gets it back. Something
 * is hurt from one of the three phases on.
 */
export async function playClaims(tools: FaultTools, at: Phase, hurt: Hurt): Promise<Bite> {
  const { traffic, truth } = tools;
  let bite: () => Promise<Bite> = async () => missed(`it did not come to ${at}`);
  const begin = async (phase: Phase) => {
    if (phase === at) bite = await hurt(tools);
  };
  await traffic.deposits();
  await truth.mine(1);
  await begin('commit');
  const [taken, left] = await traffic.claims();
  const [claim, other] = [await claimOf(tools, taken), await claimOf(tools, left)];
  if (claim === undefined || other === undefined) return missed('nothing became claimable');
  await begin('claim');
  if (!(await takeClaim(tools, taken, claim))) return missed('the claim was not seen');
  await begin('release');
  await truth.mineAt(other.claimableUntilMs + 1_000);
  if (!(await hastened(tools.cluster, STEP_MS, () => isIn(tools, left, REFUNDED)))) {
    return missed('what nobody claimed did not come back');
  }
  return bite();
}

/** What a withdrawal can be claimed with, once it can; undefined when that does not come. */
export async function claimOf(tools: FaultTools, asked: Claimable): Promise<Claim | undefined> {
  let claim: Claim | undefined;
  await hastened(tools.cluster, STEP_MS, async () => {
    if (await isIn(tools, asked, CLAIMABLE)) claim = await tools.traffic.claimOf(asked);
    return claim !== undefined;
  });
  return claim;
}

/** Claims twice at once, and once more whenever a fork may have undone both, until the ledger has it. */
async function takeClaim(tools: FaultTools, asked: Claimable, { data }: Claim): Promise<boolean> {
  let sentAtMs = Number.NEGATIVE_INFINITY;
  return until(STEP_MS, async () => {
    if (await isIn(tools, asked, SOLIDIFIED)) return true;
    if (performance.now() - sentAtMs > CLAIM_AGAIN_MS) {
      sentAtMs = performance.now();
      await tools.traffic.callVault(data);
      await tools.traffic.callVault(data);
    }
    return false;
  });
}

async function isIn({ cluster }: FaultTools, asked: Claimable, state: number): Promise<boolean> {
  const id = Buffer.from(asked.withdrawalId);
  const [row] = await cluster.sql<{ state: number }[]>`
    select state::int from ledger.withdrawals where withdrawal_id = ${id}`;
  return row?.state === state;
}

import { EPOCH_POINTS } from '#libs/failpoints';
import { armed, forkAway, isOfHotWallet } from './chain-tools.js';
import { killing } from './claim.fault.js';
import { playClaims } from './claim-play.js';
import type { Bite, Fault, FaultTools } from './fault.js';
import { killAt } from './kill.fault.js';

type EpochPoint = (typeof EPOCH_POINTS)[number];

const MEANINGS: Readonly<Record<EpochPoint, string>> = {
  'settlement.after-leaving': 'a TRC-10 payout is to be left out of epochs, none is made yet',
  'settlement.after-epoch-stored': 'an epoch stored, nothing signed',
  'settlement.before-epoch-signed': 'an epoch signed, not stored',
  'settlement.after-epoch-signed': 'a signed epoch stored, nothing sent',
  'settlement.before-epoch-broadcast': 'about to send the stored bytes of an epoch',
  'settlement.after-epoch-broadcast': 'an epoch sent and answered, not noted',
  'settlement.after-epoch-noted': 'noted that an epoch was sent',
  'settlement.after-epoch-confirmed': 'noted that an epoch is in a block',
  'settlement.after-epoch-expired': 'an epoch proven dead, the next attempt not signed',
  'settlement.after-epoch-committed': 'an epoch committed, what waits for it not signed',
  'settlement.after-epoch-failed': 'an epoch failed, the next one not made',
};

async function undoEpoch(tools: FaultTools): Promise<Bite> {
  await tools.traffic.withdrawals();
  // No deeper than the epoch: what was asked for stands before it in any case.
  return forkAway(tools, isOfHotWallet(tools), 'drop', 'least');
}

const common = { processes: 1, epochs: true } as const;

/** Faults while nothing is paid before an epoch that knows of it. */
export const EPOCH_FAULTS: readonly Fault[] = [
  ...EPOCH_POINTS.map((name): Fault => {
    const act = (tools: FaultTools) => killAt(tools, name);
    return { ...common, plan: 'T3', name, meaning: MEANINGS[name], act };
  }),
  {
    ...common,
    plan: 'T3',
    name: 'epochs.claims',
    meaning: 'a release is signed and not sent, while epochs come and go',
    act: (tools) => playClaims(tools, 'release', killing('settlement.after-release-signed')),
  },
  {
    ...common,
    plan: 'T20',
    name: 'epochs.undone',
    meaning: 'the block with an epoch, or with what was paid after it, is undone and lost',
    act: undoEpoch,
  },
  {
    ...common,
    plan: 'T21',
    name: 'epochs.lied-about',
    meaning: 'settlement is told that an epoch was sent, and it was not',
    act: (tools) => armed(tools, { kind: 'lie-success', count: 1 }),
  },
  {
    ...common,
    plan: 'T23',
    name: 'epochs.revert',
    meaning: 'two epochs end with REVERT on chain',
    act: (tools) => armed(tools, { kind: 'fail-call', result: 'REVERT', count: 2 }),
  },
];

import { Display, type Output } from './display.js';
import { LoopbackSwarm } from './download/swarm.js';
import type { DemoOptions } from './options.js';
import { auction } from './phases/auction.js';
import { close } from './phases/close.js';
import { deposit } from './phases/deposit.js';
import { payForDownload } from './phases/download.js';
import { registerKeys } from './phases/keys.js';
import { openChannels } from './phases/open.js';
import { pay } from './phases/pay.js';
import { prove } from './phases/prove.js';
import { refuseBad } from './phases/refuse.js';
import { withdraw } from './phases/withdraw.js';
import type { StackAddresses } from './stack.js';
import type { Summary } from './summary.js';
import { closeWorld, makeWorld, type World } from './world.js';

/** Runs the whole demo against a stack and returns its summary; throws when a phase cannot go on. */
export async function runDemo(
  stack: StackAddresses,
  options: DemoOptions,
  out: Output,
  firstStart: number | null,
): Promise<Summary> {
  const startMs = Date.now();
  const display = new Display(out);
  const world = await makeWorld(stack, options);
  let swarm: LoopbackSwarm | undefined;
  try {
    await display.phase('Register keys', (step) => registerKeys(world, step));
    await display.phase('Deposit on TRON', (step) => deposit(world, step));
    const seeding = await display.phase('Seed a file', async (step) => {
      step.note(`${options.fileMib} MiB, tracker and seeder on loopback`);
      return LoopbackSwarm.start(options.fileMib, world.plan.pieceBytes);
    });
    swarm = seeding;
    await display.phase('Auction', (step) => auction(world, step, seeding.infoHash));
    await display.phase('Open channels', (step) => openChannels(world, step));
    await Promise.all([
      display.phase('Pay piece by piece', (step) => pay(world, step)),
      display.phase('Download and pay', (step) => payForDownload(world, step, seeding)),
    ]);
    await display.phase('Refuse bad payments', (step) => refuseBad(world, step));
    await display.phase('Close channels', (step) => close(world, step));
    await display.phase('Withdraw to TRON', (step) => withdraw(world, step));
    const conserved = await display.phase('Prove conservation', (step) => prove(world, step));
    return summarize(world, conserved, firstStart, Date.now() - startMs);
  } finally {
    await swarm?.stop();
    closeWorld(world);
  }
}

function summarize(
  world: World,
  conserved: boolean,
  firstStart: number | null,
  tookMs: number,
): Summary {
  const { counts, differences, plan } = world;
  const totals = world.books.totals();
  const payments = plan.pairs.reduce((sum, pair) => sum + pair.payments, 0);
  differences.equal('payments made', counts.vouchersAccepted + counts.ticksAccepted, payments);
  return {
    depositedUnits: totals.depositedUnits.TRC20_BTT + totals.depositedUnits.TRC10_BTTOLD,
    withdrawnUnits: totals.withdrawnUnits.TRC20_BTT + totals.withdrawnUnits.TRC10_BTTOLD,
    feesUnits: totals.feesUnits,
    torrentPiecesPaid: counts.torrentPiecesPaid,
    torrentVerified: counts.torrentVerified,
    channelsOpened: totals.channelsOpened,
    channelsClosed: totals.channelsClosed,
    vouchersAccepted: counts.vouchersAccepted,
    vouchersRejected: counts.vouchersRejected,
    ticksAccepted: counts.ticksAccepted,
    auctionRounds: world.rounds.size,
    matches: counts.matches,
    settlementBatches: world.batches.size,
    onChainTransactions: counts.chainTransactions,
    conserved,
    firstStartSeconds: firstStart,
    seed: plan.seed,
    streamReconnects: counts.reconnects,
    figuresChecked: differences.checked,
    seconds: tookMs / 1000,
    differences: [...differences.lines],
  };
}

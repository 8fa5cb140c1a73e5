import type { Step } from '../display.js';
import type { LoopbackSwarm } from '../download/swarm.js';
import { owedForBytes } from '../plan.js';
import { PATIENCE_MS, type World } from '../world.js';
import { StreamPayer } from './pay.js';

/** One pair trades a real file: each piece is paid at the lease's price as soon as it is verified. */
export async function payForDownload(
  world: World,
  step: Step,
  swarm: LoopbackSwarm,
): Promise<void> {
  const pair = world.pairs.find(({ plan }) => plan.kind === 'download');
  if (pair === undefined) throw new Error('nobody won the lease of the download');
  const { counts, differences, plan } = world;
  const payer = new StreamPayer(world, pair, 1);
  const pieces = pair.plan.payments;
  let received = 0;
  let paid = Promise.resolve();
  const payPiece = (bytes: number) => {
    received += bytes;
    const owedUnits = owedForBytes(pair.priceUnits, received);
    paid = paid.then(async () => {
      const moreUnits = owedUnits - pair.paying.cumulativeUnits;
      if (moreUnits > 0n) await payer.pay(moreUnits);
      counts.torrentPiecesPaid += 1;
      step.progress(counts.torrentPiecesPaid, pieces);
    });
    // The rejection is seen below; until then it must not count as unhandled.
    paid.catch(() => undefined);
  };
  counts.torrentVerified = await swarm.download(payPiece, PATIENCE_MS);
  await paid;
  await payer.finish();
  differences.holds('the downloaded file has the seeder’s hash', counts.torrentVerified);
  differences.equal('pieces paid', counts.torrentPiecesPaid, pieces);
  const owedUnits = owedForBytes(pair.priceUnits, plan.fileMib * 1024 * 1024);
  differences.equal('owed for the file', world.books.cumulativeUnits(pair.channelId), owedUnits);
  step.note(`${plan.fileMib} MiB in ${pieces} pieces, SHA-256 right, ${owedUnits} units paid`);
}

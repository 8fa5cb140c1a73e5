import { existsSync, readFileSync } from 'node:fs';
import { payeesOf, payersOf } from './accounts.js';
import { channelRecords } from './channels.js';
import { type CorpusFolder, encodeSegment, framesPerSegment } from './corpus-folder.js';
import { FrameMaker, fastKeccak } from './frame-maker.js';
import { TickChains } from './tick-chains.js';

/** Told about work done, in payments or channels. */
export type OnProgress = (done: number) => void;

/** Makes what is missing of one stream: its channels, its hash chains and its first frames. */
export async function makeStream(
  folder: CorpusFolder,
  stream: number,
  frames: number,
  onProgress: OnProgress,
): Promise<void> {
  const { plan } = folder;
  const parties = { payers: payersOf(plan), payees: payeesOf(plan) };
  const chains = plan.proof === 'tick' ? chainsOf(folder, stream, onProgress) : undefined;
  const recordsFile = folder.recordsFile(stream);
  if (!existsSync(recordsFile)) {
    folder.write(recordsFile, channelRecords(plan, stream, parties, chains, onProgress));
  }
  const missing = new Set(folder.missingSegments(stream, frames));
  if (missing.size === 0) return;
  const parts = { ...parties, chains, records: folder.records(stream), keccak: await fastKeccak() };
  const maker = new FrameMaker(plan, stream, parts);
  const size = framesPerSegment(plan);
  for (let segment = 0; segment <= Math.max(...missing); segment++) {
    const count = Math.min(size, plan.framesMax - segment * size);
    if (!missing.has(segment)) {
      maker.skip(count);
      continue;
    }
    const made = Array.from({ length: count }, () => {
      onProgress(plan.batchItems);
      return maker.next();
    });
    folder.write(folder.segmentFile(stream, segment), encodeSegment(made));
  }
}

function chainsOf(folder: CorpusFolder, stream: number, onProgress: OnProgress): TickChains {
  const file = folder.chainsFile(stream);
  if (existsSync(file)) return TickChains.load(folder.plan, stream, readFileSync(file));
  const chains = TickChains.make(folder.plan, stream, onProgress);
  folder.write(file, chains.kept);
  return chains;
}

/** How much there is to do for {@link makeStream}, in the units of its progress. */
export function workOf(folder: CorpusFolder, stream: number, frames: number): number {
  const { plan } = folder;
  const channels = existsSync(folder.recordsFile(stream)) ? 0 : plan.channels / plan.streams;
  const wantsChains = plan.proof === 'tick' && !existsSync(folder.chainsFile(stream));
  const chains = wantsChains ? plan.framesMax * plan.batchItems : 0;
  const segments = folder.missingSegments(stream, frames).length;
  return channels + chains + segments * framesPerSegment(plan) * plan.batchItems;
}

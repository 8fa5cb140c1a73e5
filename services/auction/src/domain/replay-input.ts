import { formatUnits, toHex } from '#libs/domain';
import { replay } from './transcript.js';

/** What GetRound answers, as JSON: bytes in base64, 64-bit integers as text. */
export type ReplayInput = {
  readonly transcript: string;
  readonly round?: { readonly transcriptHash?: string; readonly priceUnits?: string | number };
  readonly matches?: readonly {
    readonly matchId?: string;
    readonly priceUnits?: string | number;
  }[];
};

/** Whether a round holds, and what to tell about it. */
export type Verdict = { readonly holds: boolean; readonly lines: readonly string[] };

/** Re-runs a round and compares with it whatever else was said about the round. */
export function verdictOf(input: ReplayInput): Verdict {
  const found = replay(input.transcript);
  if (!found.ok) return { holds: false, lines: ['WRONG', found.problem] };
  const { round, matches } = input;
  const problems: string[] = [];
  if (round?.transcriptHash !== undefined && hexOf(round.transcriptHash) !== found.hash) {
    problems.push('the transcript is not the one whose hash was published');
  }
  if (round?.priceUnits !== undefined && BigInt(round.priceUnits) !== found.priceUnits) {
    problems.push(`the price is ${found.priceUnits}, not ${round.priceUnits}`);
  }
  const told = matches?.map(({ matchId = '' }) => hexOf(matchId)).join();
  if (told !== undefined && told !== found.matches.map(({ matchId }) => matchId).join()) {
    problems.push('the matches are not those of the transcript');
  }
  const summary = [
    `round ${found.head.roundNo} of swarm ${found.head.swarm}`,
    `${found.matches.length} slots at ${found.priceUnits} units (${formatUnits(found.priceUnits)} BTTOLD) per MiB`,
    `transcript ${found.hash}`,
  ];
  const holds = problems.length === 0;
  return { holds, lines: [holds ? 'HOLDS' : 'WRONG', ...problems, ...summary] };
}

function hexOf(base64: string): string {
  return toHex(Uint8Array.from(Buffer.from(base64, 'base64')));
}

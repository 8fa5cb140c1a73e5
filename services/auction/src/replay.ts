import { readFileSync } from 'node:fs';
import { type ReplayInput, verdictOf } from './domain/replay-input.js';

const HELP = `usage: node replay.js [file]

Re-runs an auction round and tells whether its result is what its orders give.
Reads the file, or standard input: the JSON that GetRound answers (as grpcurl prints it), or a bare
transcript. For example:

  grpcurl -plaintext -d '{"roundNo": 7}' HOST:PORT swarmledger.v1.MarketService/GetRound | node replay.js

Exit status: 0 the round holds, 1 it does not, 2 the input cannot be read.
`;

function main(args: readonly string[]): number {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return 0;
  }
  let input: ReplayInput;
  try {
    const text = readFileSync(args[0] ?? 0, 'utf8').trim();
    const json: unknown = JSON.parse(text);
    const given = typeof json === 'object' && json !== null && 'transcript' in json;
    input = given ? (json as ReplayInput) : { transcript: text };
  } catch (error) {
    process.stderr.write(`the input cannot be read: ${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  const verdict = verdictOf(input);
  process.stdout.write(`${verdict.lines.join('\n')}\n`);
  return verdict.holds ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));

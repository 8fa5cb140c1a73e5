import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compileFile } from './compiler.js';

/** Contracts whose artefacts are committed. */
export const CONTRACTS = ['BttToken', 'Vault'] as const;

/** Folder `contracts/`, also from the compiled tree. */
export function contractsFolder(): string {
  const here = import.meta.dirname;
  return /[\\/]dist[\\/]contracts[\\/]src$/.test(here)
    ? `${here}/../../../contracts`
    : `${here}/..`;
}

/** The text of every artefact by path, compiled now. */
export function compileAll(): Map<string, string> {
  const folder = contractsFolder();
  const texts = new Map<string, string>();
  for (const name of CONTRACTS) {
    const artifact = compileFile(`${folder}/solidity/${name}.sol`).get(name);
    if (artifact === undefined) throw new Error(`${name}.sol does not define ${name}`);
    texts.set(`${folder}/artifacts/${name}.json`, `${JSON.stringify(artifact, undefined, 2)}\n`);
  }
  return texts;
}

/** Paths of committed artefacts that differ from what the sources compile to. */
export function staleArtifacts(): string[] {
  return [...compileAll()]
    .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(([path]) => path);
}

const USAGE = `usage: node compile.js [--check]
Compiles contracts/solidity into contracts/artifacts; with --check only says whether they are current.
`;

function main(arguments_: readonly string[]): number {
  if (arguments_.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (arguments_.includes('--check')) {
    const stale = staleArtifacts();
    for (const path of stale) process.stderr.write(`stale: ${path}; run the compiler again\n`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const [path, text] of compileAll()) {
    mkdirSync(new URL('.', `file://${path}`), { recursive: true });
    writeFileSync(path, text);
  }
  return 0;
}

if (import.meta.main) {
  process.exitCode = main(process.argv.slice(2));
}

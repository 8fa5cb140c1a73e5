import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

/** What a deployment needs of a contract, and what its artefact is checked by. */
export type Artifact = {
  readonly contractName: string;
  readonly compiler: string;
  readonly evmVersion: string;
  /** SHA-256 of the source text and of all it imports, hex. */
  readonly sourceHash: string;
  readonly abi: readonly unknown[];
  /** Creation code, hex without prefix. */
  readonly bytecode: string;
};

/**
 * The newest EVM version that TRON's main network, Nile and a private java-tron 4.4 or later all
 * execute: it has no PUSH0, which older private chains lack.
 */
export const EVM_VERSION = 'london';

const outputSchema = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).optional(),
  contracts: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        abi: z.array(z.unknown()),
        evm: z.object({ bytecode: z.object({ object: z.string() }) }),
      }),
    ),
  ),
});

/** A file and all files beside it that it imports, by name; the file itself comes first. */
function sourcesOf(path: string): Map<string, string> {
  const folder = dirname(path);
  const sources = new Map<string, string>();
  const open = [basename(path)];
  for (const file of open) {
    if (sources.has(file)) continue;
    const content = readFileSync(join(folder, file), 'utf8');
    sources.set(file, content);
    for (const [, imported = ''] of content.matchAll(/^import "\.\/([\w.]+)";$/gm))
      open.push(imported);
  }
  return sources;
}

/**
 * Compiles one Solidity file; the same text gives the same bytes (no metadata hash is appended).
 * Throws with the compiler's own words when it finds an error or a warning.
 */
export function compileFile(path: string): Map<string, Artifact> {
  // Loaded on demand: the compiler is a development dependency of eight megabytes.
  const solc = createRequire(import.meta.url)('solc') as typeof import('solc');
  const sources = sourcesOf(path);
  const file = basename(path);
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries([...sources].map(([name, content]) => [name, { content }])),
    settings: {
      evmVersion: EVM_VERSION,
      optimizer: { enabled: true, runs: 10_000 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = outputSchema.parse(JSON.parse(solc.compile(JSON.stringify(input))));
  if (output.errors !== undefined && output.errors.length > 0) {
    throw new Error(output.errors.map((error) => error.formattedMessage).join('\n'));
  }
  const hash = createHash('sha256');
  for (const content of sources.values()) hash.update(content);
  const sourceHash = hash.digest('hex');
  return new Map(
    Object.entries(output.contracts[file] ?? {}).map(([contractName, contract]) => [
      contractName,
      {
        contractName,
        compiler: solc.version(),
        evmVersion: EVM_VERSION,
        sourceHash,
        abi: contract.abi,
        bytecode: contract.evm.bytecode.object,
      },
    ]),
  );
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../deploy/local/src/root.js';
import { FAULTS } from './settlement/src/faults/catalogue.js';

const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');
const runbook = read('docs/runbook.md');
const namesIn = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();

describe('the runbook', () => {
  it('names commands that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = namesIn(runbook, /npm run ([a-z:]+)/g);
    expect(named).toEqual(expect.arrayContaining(['settle', 'keystore', 'status']));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names figures that settlement has', () => {
    const source = read('services/settlement/src/application/service-metrics.ts');
    const named = namesIn(runbook, /\b((?:settlement|chain|hot_wallet|reserve)_[a-z_]+)(?=[{`])/g);
    expect(named).not.toEqual([]);
    expect(named.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
  });

  it('quotes reasons for a pause as settlement gives them', () => {
    const sources = ['preflight.ts', 'purse.ts', 'step.ts'].map((name) =>
      read(`services/settlement/src/domain/${name}`),
    );
    for (const words of [
      'a node claims a transaction that is in none of the blocks read',
      "the hot wallet's permissions on chain name a key that is not its own",
      'the hot wallet lacks TRX',
      'no longer let it sign alone',
    ]) {
      expect(runbook).toContain(words);
      expect(sources.some((source) => source.includes(words))).toBe(true);
    }
  });

  it('asks tables and columns that there are', () => {
    const schema = ['settlement.schema.ts', 'settlement.table.ts', 'epoch.table.ts']
      .map((file) => read(`libs/database/src/schema/${file}`))
      .join('');
    const tables = namesIn(runbook, /\bfrom settlement\.([a-z_]+)/g);
    expect(tables.length).toBeGreaterThan(3);
    expect(tables.filter((name) => !schema.includes(`'${name}'`))).toEqual([]);
    const columns = namesIn(runbook, /\b([a-z]+_(?:ms|no|id|block|units))\b(?=[,) ])/g);
    expect(columns.filter((name) => !schema.includes(`'${name}'`))).toEqual([]);
  });

  it('practises faults that there are', () => {
    const [, list = ''] = /--faults ([a-z.,-]+)/.exec(runbook) ?? [];
    const known = FAULTS.map(({ name }) => name);
    expect(list.split(',').filter((name) => !known.includes(name))).toEqual([]);
    expect(existsSync(join(repositoryRoot, 'docs', 'settlement.md'))).toBe(true);
  });
});

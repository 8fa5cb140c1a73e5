import { readFileSync } from 'node:fs';
import { Generator } from './generator.js';
import type { FromGenerator, GeneratorOrder, ToGenerator } from './messages.js';

/** The generator's own process: it takes phases from its parent one after another. */
const tell = (message: FromGenerator) => process.send?.(message);

async function main(): Promise<void> {
  const [file = ''] = process.argv.slice(2);
  const text = readFileSync(file, 'utf8');
  const order = JSON.parse(text, (_key, value) =>
    typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as GeneratorOrder;
  const generator = new Generator(order);
  let busy = Promise.resolve();
  const fail = (error: unknown) => {
    generator.save();
    tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.disconnect();
  };
  process.on('disconnect', () => process.exit());
  process.on('message', (message: ToGenerator) => {
    busy = busy
      .then(async () => {
        if (message.kind === 'phase') {
          const onStart = (startMs: number) => tell({ kind: 'started', startMs });
          tell({ kind: 'phase', result: await generator.phase(message.phase, onStart) });
          return;
        }
        generator.save();
        generator.close();
        tell({ kind: 'finished', unanswered: generator.unanswered });
      })
      .catch(fail);
  });
  try {
    tell({ kind: 'ready', openSeconds: await generator.open() });
  } catch (error) {
    fail(error);
  }
}

await main();

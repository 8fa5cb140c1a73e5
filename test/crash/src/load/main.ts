import { readFileSync } from 'node:fs';
import { Load } from './load.js';
import type { FromLoad, LoadOrder, ToLoad } from './order.js';

/** The payer's own process: nothing that happens to the system or to the test can touch its log. */
const tell = (message: FromLoad) => process.send?.(message);

async function main(): Promise<void> {
  const [file = ''] = process.argv.slice(2);
  const order = JSON.parse(readFileSync(file, 'utf8')) as LoadOrder;
  process.on('disconnect', () => process.exit());
  const load = await Load.start(order);
  process.on('message', (message: ToLoad) => {
    if (message.kind === 'stop') load.stop();
  });
  tell({ kind: 'ready' });
  await load.run();
  tell({ kind: 'stopped' });
  process.disconnect();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  process.disconnect();
}

import { startDevchain } from './devchain.js';
import { FAUCET_ADDRESS } from './genesis.js';
import { parseOptions, USAGE } from './options.js';

const write = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
};

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const options = parseOptions(args, process.env);
  const chain = await startDevchain(options);
  write({
    msg: 'development chain is ready; its faucet key is public, use it for nothing else',
    url: chain.url,
    dataDir: options.dataDir ?? '(memory)',
    headNumber: chain.headNumber,
    chainId: chain.chainId,
    faucet: FAUCET_ADDRESS,
  });
  const stop = async (exitCode: number): Promise<void> => {
    await chain.stop();
    write({ msg: 'stopped', headNumber: chain.headNumber });
    process.exit(exitCode);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(0));
  const error = await chain.failed;
  write({ msg: 'block production failed', error: String(error) });
  await stop(1);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

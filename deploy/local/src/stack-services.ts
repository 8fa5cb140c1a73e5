import { join } from 'node:path';
import { readJson } from './atomic-file.js';
import { runToEnd } from './one-shot.js';
import { compiled } from './root.js';
import {
  opsPortName,
  portOf,
  type ServiceContext,
  type ServiceName,
  serviceSpec,
} from './service-specs.js';
import type { StackContext } from './stack-context.js';
import { type Network, parseNetwork } from './state-file.js';

/** The asset of an external chain, when the environment names all of it. */
function networkOfEnvironment(env: NodeJS.ProcessEnv): Network | undefined {
  const { CHAIN_ID, VAULT_ADDRESS, TRC20_ADDRESS, TRC10_ID } = env;
  if (!CHAIN_ID || !VAULT_ADDRESS || !TRC20_ADDRESS || !TRC10_ID) return undefined;
  return parseNetwork({
    chainId: Number(CHAIN_ID),
    vaultAddress: VAULT_ADDRESS,
    trc20Address: TRC20_ADDRESS,
    trc10Id: TRC10_ID,
  });
}

/** Deploys the contracts on the chain, unless they are there; its output names them. */
async function provision(context: StackContext): Promise<void> {
  const { env, folder, recorder, progress } = context;
  const done = progress.step('contracts');
  const given = networkOfEnvironment(env);
  if (!given) {
    const { endpoints, secrets } = recorder.current;
    const script = compiled('contracts/src/provision.js');
    await runToEnd({
      name: 'contracts',
      args: [
        script,
        ...['--node', endpoints.tronNodeUrl ?? ''],
        ...['--out', folder.network],
        ...['--hot-wallet-key-file', secrets.hotWalletKey],
      ],
      env,
      logFile: join(folder.logs, 'contracts.log'),
      timeoutMs: 120_000,
      signal: context.stopSignal,
    });
  }
  const network = given ?? parseNetwork(readJson(folder.network));
  recorder.update({ network });
  done(`vault ${network.vaultAddress}`);
}

async function migrateDatabase(context: StackContext): Promise<void> {
  const { env, folder, recorder, progress } = context;
  const done = progress.step('migrations');
  await runToEnd({
    name: 'migrations',
    args: [compiled('libs/database/src/migrate.js')],
    env: { ...env, DATABASE_URL: recorder.current.endpoints.databaseUrl },
    logFile: join(folder.logs, 'migrations.log'),
    timeoutMs: 120_000,
    signal: context.stopSignal,
  });
  done('up to date');
}

/** What services rely on: the schema in the database and the contracts on the chain. */
export async function prepareLedger(context: StackContext): Promise<void> {
  await Promise.all([provision(context), migrateDatabase(context)]);
}

export async function startServices(
  context: StackContext,
  names: readonly ServiceName[],
): Promise<void> {
  const { recorder, folder, env, options } = context;
  const { ports, endpoints, secrets, network } = recorder.current;
  if (!network) throw new Error('services need the network that provisioning makes');
  const restart = options.restart ?? true;
  const shared: ServiceContext = { folder, ports, endpoints, secrets, network, env, restart };
  await Promise.all(
    names.map((name) => {
      const port = portOf(ports, opsPortName(name));
      return context.launch(serviceSpec(name, shared), port, `http://127.0.0.1:${port}`);
    }),
  );
}

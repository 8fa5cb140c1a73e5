import { describe, expect, test } from 'vitest';
import { dataFolder } from './data-folder.js';
import {
  SERVICE_PORTS,
  SERVICES,
  type ServiceContext,
  serviceEndpoints,
  serviceEnvironment,
  sharedEnvironment,
} from './service-specs.js';

const names = SERVICES.flatMap((name) => SERVICE_PORTS[name]);
const ports = Object.fromEntries(names.map((name, at) => [name, 20_000 + at]));
const context: ServiceContext = {
  folder: dataFolder('/d'),
  ports,
  endpoints: {
    ...serviceEndpoints(ports),
    databaseUrl: 'postgres://db',
    kafkaBrokers: 'kafka:1',
    tronNodeUrl: 'http://node',
  },
  secrets: { internalToken: '/i', operatorToken: '/o', hotWalletKey: '/h', postgresPassword: '/p' },
  network: { chainId: 7, vaultAddress: 'TV', trc20Address: 'TT', trc10Id: '10' },
  env: { ROUND_PERIOD_MS: '500', HTTP_PORT: '1', DATABASE_URL: 'postgres://other' },
  restart: true,
};

describe('what a service is told', () => {
  test('are servers, asset and secret, over what the environment says', () => {
    expect(sharedEnvironment(context)).toMatchObject({
      DATABASE_URL: 'postgres://db',
      KAFKA_BROKERS: 'kafka:1',
      TRON_NODE_URL: 'http://node',
      INTERNAL_TOKEN_FILE: '/i',
      CHAIN_ID: '7',
      VAULT_ADDRESS: 'TV',
      TRC20_ADDRESS: 'TT',
      TRC10_ID: '10',
      LISTEN_HOST: '127.0.0.1',
    });
  });

  test('is a local pace that the environment may change', () => {
    expect(sharedEnvironment(context)).toMatchObject({ ROUND_PERIOD_MS: '500', LOG_LEVEL: 'info' });
  });

  test.each([
    ['ingest', ['GRPC_PORT', 'BALANCE_INTERNAL_URL']],
    ['balance', ['GRPC_PORT', 'INTERNAL_GRPC_PORT']],
    ['auction', ['GRPC_PORT', 'BALANCE_INTERNAL_URL']],
    [
      'settlement',
      ['GRPC_PORT', 'INTERNAL_GRPC_PORT', 'BALANCE_INTERNAL_URL', 'HOT_WALLET_KEY_FILE'],
    ],
    [
      'admin',
      [
        'OPERATOR_TOKEN_FILE',
        'SERVICES',
        'SETTLEMENT_INTERNAL_URL',
        'BALANCE_URL',
        'AUCTION_URL',
        'SETTLEMENT_URL',
      ],
    ],
  ] as const)('gives %s its own variables', (name, variables) => {
    const env = serviceEnvironment(name, context);
    expect(Object.keys(env).sort()).toEqual(['HTTP_PORT', ...variables].sort());
    expect(Object.values(env)).not.toContain(undefined);
  });

  test('keeps the wallet key from everyone but settlement', () => {
    const holders = SERVICES.filter((name) =>
      Object.values(serviceEnvironment(name, context)).includes('/h'),
    );
    expect(holders).toEqual(['settlement']);
  });

  test('leads callers to where the called listen', () => {
    const internal = `127.0.0.1:${ports['balance-internal']}`;
    expect(serviceEnvironment('ingest', context).BALANCE_INTERNAL_URL).toBe(internal);
    expect(serviceEnvironment('balance', context).INTERNAL_GRPC_PORT).toBe(
      String(ports['balance-internal']),
    );
    const { SERVICES: list = '' } = serviceEnvironment('admin', context);
    expect(JSON.parse(list).auction).toBe(`http://127.0.0.1:${ports['auction-http']}`);
  });
});

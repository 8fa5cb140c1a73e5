import { armFailPoints } from '#libs/failpoints';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { settlementModule } from './app.module.js';
import { loadConfig } from './config.js';
import { openSigner } from './keys.js';

armFailPoints(process.env);
const config = loadConfig(process.env);
const logger = createLogger({ name: 'settlement', level: config.LOG_LEVEL });
const signer = await openSigner(config.keys, config.CHAIN_ID);
const common = { host: config.LISTEN_HOST, reflection: config.NODE_ENV !== 'production' };

await runService({
  name: 'settlement',
  logger,
  host: config.LISTEN_HOST,
  proxies: config.PROXY_ADDRESSES,
  httpPort: config.HTTP_PORT,
  module: settlementModule(config, logger, signer),
  grpcPorts: [
    { ...common, port: config.GRPC_PORT, services: ['SettlementService'] },
    { ...common, port: config.INTERNAL_GRPC_PORT, services: ['SettlementOperatorService'] },
  ],
});

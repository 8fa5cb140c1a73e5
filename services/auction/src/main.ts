import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { appModule } from './app.module.js';
import { loadConfig } from './config.js';

const config = loadConfig(process.env);
const logger = createLogger({ name: 'auction', level: config.LOG_LEVEL });

await runService({
  name: 'auction',
  logger,
  host: config.LISTEN_HOST,
  proxies: config.PROXY_ADDRESSES,
  httpPort: config.HTTP_PORT,
  module: appModule(config, logger),
  grpcPorts: [
    {
      services: ['MarketService'],
      host: config.LISTEN_HOST,
      port: config.GRPC_PORT,
      reflection: config.NODE_ENV !== 'production',
    },
  ],
});

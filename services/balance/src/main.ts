import { armFailPoints } from '#libs/failpoints';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { balanceModule } from './app.module.js';
import { loadConfig } from './config.js';

armFailPoints(process.env);
const config = loadConfig(process.env);
const logger = createLogger({ name: 'balance', level: config.LOG_LEVEL });
const common = { host: config.LISTEN_HOST, reflection: config.NODE_ENV !== 'production' };

await runService({
  name: 'balance',
  logger,
  host: config.LISTEN_HOST,
  proxies: config.PROXY_ADDRESSES,
  httpPort: config.HTTP_PORT,
  module: balanceModule(config, logger),
  grpcPorts: [
    { ...common, port: config.GRPC_PORT, services: ['LedgerService'] },
    { ...common, port: config.INTERNAL_GRPC_PORT, services: ['BooksService'] },
  ],
});

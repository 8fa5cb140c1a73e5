import { ConfigError } from '#libs/config';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { adminModule } from './app.module.js';
import { loadConfig } from './config.js';
import { configureHttp } from './configure.js';

try {
  const config = loadConfig(process.env);
  const logger = createLogger({ name: 'admin', level: config.logLevel });
  await runService({
    name: 'admin',
    logger,
    host: config.host,
    httpPort: config.httpPort,
    module: adminModule(config, logger),
    grpcPorts: [],
    configure: configureHttp(logger),
  });
} catch (error) {
  process.stderr.write(
    `admin cannot start: ${error instanceof ConfigError ? error.message : String(error)}\n`,
  );
  process.exit(error instanceof ConfigError ? 78 : 1);
}

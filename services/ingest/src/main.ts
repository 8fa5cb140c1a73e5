import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { ingestService } from './app.module.js';
import { loadConfig } from './config.js';

const config = loadConfig(process.env);
const logger = createLogger({ name: 'ingest', level: config.LOG_LEVEL });
await runService(ingestService(config, logger));

import { armFailPoints } from '#libs/failpoints';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { ingestService } from './app.module.js';
import { loadConfig } from './config.js';

armFailPoints(process.env);
const config = loadConfig(process.env);
const logger = createLogger({ name: 'ingest', level: config.LOG_LEVEL });
await runService(await ingestService(config, logger));

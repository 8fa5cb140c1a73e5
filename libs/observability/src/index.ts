export { type Check, Health, type HealthReport } from './health.js';
export { createLogger, type Logger } from './logger.js';
export { Metrics } from './metrics.js';
export { nestLogger } from './nest-logger.js';
export { OpsController } from './ops.controller.js';

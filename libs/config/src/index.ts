export {
  ConfigError,
  commonShape,
  type Env,
  hostPort,
  hostPorts,
  integer,
  parseEnv,
  port,
  secretFile,
  signingShape,
  storesShape,
} from './env.js';

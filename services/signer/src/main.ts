import { ServerCredentials } from '@grpc/grpc-js';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { signerModule } from './app.module.js';
import { loadConfig } from './config.js';
import { createParts } from './parts.js';

const config = loadConfig(process.env);
const logger = createLogger({ name: 'signer', level: config.LOG_LEVEL });
const parts = await createParts(config, logger);
const pair = {
  cert_chain: Buffer.from(config.SIGNER_CERT_FILE),
  private_key: Buffer.from(config.SIGNER_KEY_FILE),
};

await runService({
  name: 'signer',
  logger,
  host: config.LISTEN_HOST,
  proxies: config.PROXY_ADDRESSES,
  httpPort: config.HTTP_PORT,
  module: signerModule(parts, config.SIGNER_CLIENT_NAME),
  grpcPorts: [
    {
      host: config.LISTEN_HOST,
      port: config.GRPC_PORT,
      services: ['SignerService'],
      reflection: false,
      // The last argument: without a certificate of this authority nobody gets as far as a request.
      credentials: ServerCredentials.createSsl(Buffer.from(config.SIGNER_CA_FILE), [pair], true),
    },
  ],
});

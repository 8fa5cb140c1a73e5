import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import type { INestApplication } from '@nestjs/common';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { freePort } from '#libs/testing';
import { encryptKey, KeySigner } from '#libs/tron';
import { signerModule } from '../src/app.module.js';
import { loadConfig } from '../src/config.js';
import { createParts } from '../src/parts.js';
import {
  type Authority,
  type Certificate,
  makeAuthority,
  makeCertificate,
} from './certificates.js';

export const KEY = '0c'.repeat(32);
export const PASSWORD = 'a password of some length';
export const OWNER = new KeySigner(KEY).address;
export const VAULT = new KeySigner('0d'.repeat(32)).address;
export const TRC20 = new KeySigner('0e'.repeat(32)).address;
export const CHAIN_ID = 977_592_081n;

/** A signer with its own authority; it can be stopped and started again on the same journal. */
export class SignerWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'swarmledger-signer-'));
  readonly authority: Authority = makeAuthority('signer authority');
  readonly client: Certificate = makeCertificate(this.authority, 'settlement');
  url = '';
  #app: INestApplication | undefined;

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  async env(change: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
    const server = makeCertificate(this.authority, 'signer');
    const keystore = await encryptKey(KEY, PASSWORD, { n: 2 ** 14, r: 8, p: 1 });
    return {
      LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      HTTP_PORT: String(await freePort()),
      GRPC_PORT: String(await freePort()),
      CHAIN_ID: CHAIN_ID.toString(),
      VAULT_ADDRESS: VAULT,
      TRC20_ADDRESS: TRC20,
      TRC10_ID: '1002000',
      KEYSTORE_FILE: this.file('keystore.json', keystore),
      KEYSTORE_PASSWORD_FILE: this.file('password', `${PASSWORD}\n`),
      SIGNER_CA_FILE: this.file('ca.pem', this.authority.certificate),
      SIGNER_CERT_FILE: this.file('server.pem', server.certificate),
      SIGNER_KEY_FILE: this.file('server.key', server.key),
      SIGNER_STATE_DIR: this.folder,
      SIGNER_TX_UNITS_MAX: '1000',
      SIGNER_WINDOW_UNITS_MAX: '2500',
      ...change,
    };
  }

  async start(change: Readonly<Record<string, string>> = {}): Promise<void> {
    const config = loadConfig(await this.env(change));
    const logger = createLogger({ name: 'signer', level: config.LOG_LEVEL });
    const pair = {
      cert_chain: Buffer.from(config.SIGNER_CERT_FILE),
      private_key: Buffer.from(config.SIGNER_KEY_FILE),
    };
    const credentials = ServerCredentials.createSsl(
      Buffer.from(config.SIGNER_CA_FILE),
      [pair],
      true,
    );
    const host = '127.0.0.1';
    const parts = await createParts(config, logger);
    this.#app = await runService({
      name: 'signer',
      logger,
      host,
      httpPort: config.HTTP_PORT,
      module: signerModule(parts, config.SIGNER_CLIENT_NAME),
      grpcPorts: [
        {
          host,
          port: config.GRPC_PORT,
          services: ['SignerService'],
          reflection: false,
          credentials,
        },
      ],
    });
    this.url = `${host}:${config.GRPC_PORT}`;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}

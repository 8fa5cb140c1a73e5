import { mkdirSync } from 'node:fs';
import { compileCache, compiled } from './root.js';
import type { ProcessSpec, Restart } from './supervised-process.js';

export interface ChainOptions {
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly blockIntervalMs: number;
  readonly restart: Restart;
}

export interface ChainPiece {
  readonly spec: ProcessSpec;
  readonly url: string;
}

/** True when a TRON node answers with its latest block. */
export async function chainAnswers(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/wallet/getnowblock', url), {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(2_000),
    });
    const block: unknown = await response.json();
    return response.ok && typeof block === 'object' && block !== null && 'blockID' in block;
  } catch {
    return false;
  }
}

export function prepareChain(options: ChainOptions): ChainPiece {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const url = `http://127.0.0.1:${options.port}`;
  return {
    url,
    spec: {
      name: 'chain',
      command: process.execPath,
      args: ['--enable-source-maps', compiled('libs/devchain/src/main.js')],
      env: {
        ...compileCache,
        ...process.env,
        PORT: String(options.port),
        LISTEN_HOST: '127.0.0.1',
        DATA_DIR: options.folder,
        BLOCK_INTERVAL_MS: String(options.blockIntervalMs),
      },
      cwd: options.folder,
      logFile: options.logFile,
      stopSignal: 'SIGTERM',
      isReady: () => chainAnswers(url),
      readyTimeoutMs: 60_000,
      restart: options.restart,
    },
  };
}

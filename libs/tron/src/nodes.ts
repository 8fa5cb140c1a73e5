import { z } from 'zod';
import { ConfigError, integer, secretFile } from '#libs/config';
import type { NodeOptions } from './node-provider.js';
import { readApiKeys } from './quorum/connect.js';

const URL = /^https?:\/\/[^\s,]+$/;

/** The nodes that are asked. Exactly one of the first two is set. */
export const nodesShape = {
  TRON_NODE_URL: z.string().regex(URL, 'expected http(s)://…').optional(),
  /** Several, separated by commas: two of them must agree. */
  TRON_NODE_URLS: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(z.string().regex(URL, 'expected http(s)://…,http(s)://…')).min(1).max(9))
    .optional(),
  TRON_TIMEOUT_MS: integer({ min: 100, max: 60_000 }).default(5_000),
  /** How far the newest blocks of two nodes may be apart. */
  TRON_LAG_MAX_MS: integer({ min: 3_000, max: 600_000 }).default(30_000),
  /** API keys by host, so that none is in the environment or sent to another provider. */
  TRON_API_KEY_FILE: secretFile().optional(),
};

type Values = {
  readonly TRON_NODE_URL?: string | undefined;
  readonly TRON_NODE_URLS?: readonly string[] | undefined;
  readonly TRON_TIMEOUT_MS: number;
  readonly TRON_API_KEY_FILE?: string | undefined;
};

/** The nodes with their keys. Throws a ConfigError, without any key in it. */
export function nodesOf(values: Values): readonly NodeOptions[] {
  const { TRON_NODE_URL: one, TRON_NODE_URLS: several, TRON_API_KEY_FILE: keyFile } = values;
  if ((one === undefined) === (several === undefined)) {
    throw new ConfigError('set exactly one of TRON_NODE_URL and TRON_NODE_URLS');
  }
  const urls = several ?? [one ?? ''];
  const timeoutMs = values.TRON_TIMEOUT_MS;
  try {
    const keys = readApiKeys(keyFile ?? '', urls);
    return urls.map((url) => {
      const headers = keys.get(url);
      return { url, timeoutMs, ...(headers === undefined ? {} : { headers }) };
    });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`TRON_API_KEY_FILE: ${error.message}`);
    throw error;
  }
}

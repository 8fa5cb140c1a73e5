import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a load process is started with, as JSON in the file that its first argument names. */
export type LoadOrder = {
  readonly ingestGrpc: string;
  readonly balanceGrpc: string;
  readonly booksGrpc: string;
  /** File with the secret of the internal ports: deposits are credited as settlement credits them. */
  readonly internalTokenFile: string;
  readonly seed: number;
  readonly paymentsPerSecond: number;
  /** Where {@link ackLogFile} and {@link channelsFile} are written. */
  readonly folder: string;
};

/** One channel of the payer, as the checker must know it. Its number is its place in the list. */
export type ListedChannel = { readonly id: string; readonly kind: 'voucher' | 'tick' | 'bundle' };

/** From the load process. */
export type FromLoad =
  /** Channels are open and listed; payments begin. */
  | { readonly kind: 'ready' }
  /** No more payments are sent, and every one has its answer. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly reason: string };

/** To the load process: stop sending, wait for the answers. */
export type ToLoad = { readonly kind: 'stop' };

export const ackLogFile = (folder: string) => join(folder, 'acks.log');
export const channelsFile = (folder: string) => join(folder, 'channels.json');

/** Reads the list that the load process wrote. */
export function readChannels(folder: string): ListedChannel[] {
  return JSON.parse(readFileSync(channelsFile(folder), 'utf8')) as ListedChannel[];
}

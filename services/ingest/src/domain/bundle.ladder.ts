import { LIMITS, type Refusal, refuse, type Units } from '#libs/domain';
import type { ChannelTable } from './channel-table.js';
import { checkAmountForm, checkValidityForm } from './ladder.js';

/** A bundle as it arrives in the typed API. */
export type BundleMessage = {
  readonly entries: readonly { readonly channelId: Uint8Array; readonly cumulativeUnits: Units }[];
  readonly validUntilMs: bigint;
  readonly signature: Uint8Array;
};

/** Shape and limits of a typed bundle; whatever is wrong refuses all of it. */
export function checkBundleForm(bundle: BundleMessage, nowMs: number): Refusal | undefined {
  if (bundle.entries.length > LIMITS.bundleEntriesMax) {
    return refuse('LIMIT_EXCEEDED', `a bundle has at most ${LIMITS.bundleEntriesMax} entries`);
  }
  const odd = bundle.entries.findIndex(({ channelId }) => channelId.length !== 32);
  if (odd >= 0) return refuse('MALFORMED', `entry ${odd}: channel_id must have 32 bytes`);
  if (bundle.signature.length !== 64) return refuse('MALFORMED', 'signature must have 64 bytes');
  const units = bundle.entries.map(({ cumulativeUnits }) => cumulativeUnits);
  return checkBundleValues(units, Number(bundle.validUntilMs), nowMs);
}

/** Amounts and validity of a bundle as far as they are form. */
export function checkBundleValues(
  units: readonly Units[],
  validUntilMs: number,
  nowMs: number,
): Refusal | undefined {
  for (const [at, cumulativeUnits] of units.entries()) {
    const refusal = checkAmountForm(cumulativeUnits);
    if (refusal !== undefined) return refuse(refusal.reason, `entry ${at}: ${refusal.detail}`);
  }
  return checkValidityForm(validUntilMs, nowMs);
}

/**
 * What holds for the entries together: distinct channels of one signer and one partition, since their
 * proof is one signature and their place one record. `rows` are the entries' channels.
 */
export function checkBundleChannels(
  table: ChannelTable,
  rows: ArrayLike<number>,
): Refusal | undefined {
  const first = rows[0] ?? 0;
  const signer = table.signerNo(first);
  const partition = table.partition(first);
  const seen = new Set<number>();
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at] ?? 0;
    if (table.signerNo(row) !== signer) {
      return refuse('MALFORMED', `entry ${at} of the bundle is of another signer than entry 0`);
    }
    if (table.partition(row) !== partition) {
      return refuse('MALFORMED', `entry ${at} of the bundle is of another partition than entry 0`);
    }
    seen.add(row);
  }
  if (seen.size === rows.length) return undefined;
  return refuse('MALFORMED', 'the bundle names a channel twice');
}

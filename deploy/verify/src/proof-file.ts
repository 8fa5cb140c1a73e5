import { readFileSync } from 'node:fs';
import type { Proof } from './inclusion.js';
import { UsageError } from './options.js';

/** A proof that its owner has kept. Throws a UsageError. */
export function readProof(path: string): Proof {
  const { epoch, leaf, proof } = fieldsOf(path);
  if (!/^[1-9]\d{0,17}$/.test(String(epoch))) throw new UsageError(`${path} has no number "epoch"`);
  const bytes = (name: string, text: unknown) => {
    if (typeof text !== 'string' || !/^(0x)?([0-9a-f]{2})*$/i.test(text)) {
      throw new UsageError(`${path} has no hex "${name}"`);
    }
    return Buffer.from(text.replace(/^0x/, ''), 'hex');
  };
  return {
    epochNo: BigInt(String(epoch)),
    leaf: bytes('leaf', leaf),
    proof: bytes('proof', proof),
  };
}

function fieldsOf(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    throw new UsageError(`cannot read the proof: ${String(error)}`);
  }
}

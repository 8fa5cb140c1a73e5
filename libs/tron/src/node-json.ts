import { z } from 'zod';

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * Parses a node's JSON. Nodes print 64-bit integers as bare numbers; those that a JavaScript number
 * cannot hold come out as bigint instead of a neighbouring value.
 */
export function parseNodeJson(text: string): unknown {
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source ?? '0')
      : value,
  );
}

/** A 64-bit integer in any of the forms that nodes print. */
export const int64 = z
  .union([z.bigint(), z.number().int(), z.string().regex(/^-?\d{1,20}$/)])
  .transform((value) => BigInt(value));

/** An optional integer: nodes leave zero out. */
export const int64OrZero = int64.optional().transform((value) => value ?? 0n);

/** Hex of whole bytes, lower case, without prefix. */
export const hexText = z
  .string()
  .regex(/^(0x)?([0-9a-fA-F]{2})*$/)
  .transform((text) => text.replace(/^0x/, '').toLowerCase());

/** Hex of 32 bytes. */
export const hash32 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/)
  .transform((text) => text.toLowerCase());

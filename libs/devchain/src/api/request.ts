import { addressKey, parseAddress } from '../codec/address.js';
import { type Json, JsonError, type JsonObject, toInt } from '../codec/json.js';

/** A call of the node's HTTP API: query and body merged. */
export interface ApiRequest {
  readonly params: JsonObject;
  /** Asked below /walletsolidity: answer from solidified blocks only. */
  readonly solid: boolean;
  /** How many of the newest solidified blocks are kept back (a fault). */
  readonly solidBehind: number;
  /** Addresses as base58 and names as text instead of hex. */
  readonly visible: boolean;
}
/** Answers a request with something that prints as JSON. */
export type Handler = (request: ApiRequest) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

/** A text parameter. @throws JsonError when it is missing */
export function textParam({ params }: ApiRequest, name: string): string {
  const value = params[name];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString();
  throw new JsonError(`${name} is missing`);
}

/** A non-negative number that is small enough to be exact. @throws JsonError */
export function numberParam({ params }: ApiRequest, name: string, fallback?: number): number {
  const value: Json | undefined = params[name] ?? fallback;
  const number = toInt(value, name);
  if (number < 0n || number > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new JsonError(`${name} is out of range`);
  }
  return Number(number);
}

/** An address parameter as its 21 bytes. @throws JsonError, AddressError */
export function addressParam(request: ApiRequest, name: string): Buffer {
  return parseAddress(textParam(request, name));
}

/** An address parameter as its state key. @throws JsonError, AddressError */
export function addressKeyParam(request: ApiRequest, name: string): string {
  return addressKey(addressParam(request, name));
}

/** What went wrong between us and a node. */
export type NodeFailure =
  /** No connection, or it broke. */
  | 'unreachable'
  /** It did not answer in time; a request that changes something may have taken effect. */
  | 'timeout'
  /** It asked us to slow down (429) or is busy (5xx). */
  | 'overloaded'
  /** It refused the request itself; repeating it is useless. */
  | 'refused'
  /** Its answer is not in the form of the API. */
  | 'malformed'
  /** Its answer contradicts itself or what the chain has shown before. */
  | 'contradiction';

/** A node that does not answer as a node should. */
export class TronNodeError extends Error {
  override readonly name = 'TronNodeError';

  constructor(
    readonly failure: NodeFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

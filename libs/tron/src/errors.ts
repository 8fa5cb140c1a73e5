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
  | 'contradiction'
  /** Nodes tell different things of what cannot differ: at least one of them lies. */
  | 'disagreement'
  /** Too few nodes are up to date with one another. */
  | 'stale';

/** A node that does not answer as a node should. */
export class TronNodeError extends Error {
  override readonly name = 'TronNodeError';

  constructor(
    readonly failure: NodeFailure,
    message: string,
    options: ErrorOptions & {
      /** How long the node wants to be left alone, when it said so. */
      readonly retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }

  readonly retryAfterMs: number | undefined;
}

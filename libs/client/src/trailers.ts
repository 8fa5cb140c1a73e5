/** Trailer of an answer that carries the reason of a refusal. The server side names it in libs/grpc. */
export const REASON_TRAILER = 'swarmledger-reason';

/** Metadata key with which a caller proves who it is: `<address>.<valid until ms>.<signature hex>`. */
export const SESSION_TRAILER = 'swarmledger-session';

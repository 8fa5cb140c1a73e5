/** Milliseconds since 1970; a parameter so that tests decide what time it is. */
export type Clock = () => bigint;

/** The machine's clock. */
export const systemClock: Clock = () => BigInt(Date.now());

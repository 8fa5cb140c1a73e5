/** Injection tokens of what has no class. */
export const LOGGER = Symbol('Logger');

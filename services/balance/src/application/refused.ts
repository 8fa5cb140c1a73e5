import type { Refusal } from '#libs/domain';

/** Rolls a transaction back because the request is refused after something of it was written. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(readonly refusal: Refusal) {
    super(refusal.detail);
  }
}

/** Turns the rollback above into its refusal. */
export function refuseRolledBack(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  throw error;
}

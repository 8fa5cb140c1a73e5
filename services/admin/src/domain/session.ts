/** What a signed-in person may do: look, or also act. */
export type OperatorRole = 'viewer' | 'operator';

/** A signed-in browser. */
export type Session = {
  readonly tokenHash: Buffer;
  readonly actor: string;
  readonly role: OperatorRole;
  readonly address: string;
  readonly createdAtMs: bigint;
  readonly expiresAtMs: bigint;
};

/** True while the session counts. */
export function isCurrent(session: Session, nowMs: bigint): boolean {
  return nowMs >= session.createdAtMs && nowMs < session.expiresAtMs;
}

/** True when the session may change something. */
export function mayOperate(session: Session): boolean {
  return session.role === 'operator';
}

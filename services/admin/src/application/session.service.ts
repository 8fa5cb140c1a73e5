import { accept, type Result, refuse } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { type Attempts, afterFailure, FAILURE_WINDOW_MS, isLocked } from '../domain/lockout.js';
import { isCurrent, type Session } from '../domain/session.js';
import type { AttemptStore, AuditLog, SessionStore } from './ports.js';
import { newSessionToken, sameSecret, sessionHash } from './tokens.js';
import { within } from './within.js';

/** What the session service stands on. */
export type SessionServiceOptions = {
  readonly sessions: SessionStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditLog;
  readonly operatorToken: string;
  readonly sessionMs: number;
  readonly now: () => bigint;
  readonly logger: Logger;
};

/** Longest token that is looked at. */
const TOKEN_LENGTH_MAX = 256;

/** How long a page waits for the database before it says so. */
const DATABASE_PATIENCE_MS = 2_000;

/** Sessions remembered for the time that the database is away. */
const REMEMBERED_MAX = 1_000;

/** Signs operators in and out and knows who is signed in. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  readonly #remembered = new Map<string, Session>();

  constructor(options: SessionServiceOptions) {
    this.#options = options;
  }

  /**
   * Opens a session, always a new one. Refuses with UNAUTHENTICATED for a wrong token, OVERLOADED
   * while the address is locked out; rejects when the database does not answer: nobody gets in then.
   */
  async login(token: string, address: string): Promise<Result<{ token: string; role: string }>> {
    const { attempts, audit, sessions, now, sessionMs } = this.#options;
    const nowMs = now();
    const verdict = await within(
      DATABASE_PATIENCE_MS,
      attempts.change(address, (count) => this.#judge(count, token, nowMs)),
    );
    const entry = { atMs: nowMs, address, action: 'login' };
    if (verdict === 'locked') {
      return refuse('OVERLOADED', 'too many wrong tokens from this address; wait 15 minutes');
    }
    if (verdict === 'wrong' || verdict === 'now locked') {
      const outcome = verdict === 'wrong' ? 'refused' : 'refused, address locked';
      await audit.append({ ...entry, actor: 'unknown', role: 'none', outcome, detail: '' });
      return refuse('UNAUTHENTICATED', 'the token is wrong');
    }
    const sessionToken = newSessionToken();
    const session: Session = {
      tokenHash: sessionHash(sessionToken),
      actor: 'operator',
      role: 'operator',
      address,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + BigInt(sessionMs),
    };
    await audit.append({
      ...entry,
      actor: session.actor,
      role: session.role,
      outcome: 'ok',
      detail: '',
    });
    await sessions.insert(session);
    await sessions.removeExpired(nowMs);
    await attempts.removeOlderThan(nowMs - 4n * FAILURE_WINDOW_MS);
    return accept({ token: sessionToken, role: session.role });
  }

  /**
   * The session of a cookie. Refuses with UNAUTHENTICATED for none, an unknown or an expired one.
   * While the database is away, a session seen before still counts for looking (`remembered`), so that
   * operators see the outage instead of a login page; whatever changes something must refuse it.
   */
  async find(token: string | undefined): Promise<Result<Session & { remembered: boolean }>> {
    const missing = refuse('UNAUTHENTICATED', 'sign in first');
    if (token === undefined || token.length > TOKEN_LENGTH_MAX) return missing;
    const { sessions, now, logger } = this.#options;
    const tokenHash = sessionHash(token);
    const key = tokenHash.toString('hex');
    let session: Session | undefined;
    let remembered = false;
    try {
      session = await within(DATABASE_PATIENCE_MS, sessions.find(tokenHash));
    } catch (error) {
      logger.warn({ err: error }, 'sessions cannot be read');
      session = this.#remembered.get(key);
      remembered = true;
      if (session === undefined) return refuse('UNAVAILABLE', 'the database does not answer');
    }
    if (session === undefined || !isCurrent(session, now())) {
      this.#remembered.delete(key);
      return missing;
    }
    this.#remember(key, session);
    return accept({ ...session, remembered });
  }

  /** Ends a session at once. */
  async logout(session: Session, address: string): Promise<void> {
    const { audit, sessions, now } = this.#options;
    this.#remembered.delete(session.tokenHash.toString('hex'));
    await sessions.remove(session.tokenHash);
    await audit.append({
      atMs: now(),
      actor: session.actor,
      role: session.role,
      address,
      action: 'logout',
      outcome: 'ok',
      detail: '',
    });
  }

  #judge(count: Attempts, token: string, nowMs: bigint) {
    if (isLocked(count, nowMs)) return { next: count, value: 'locked' as const };
    const right =
      token.length <= TOKEN_LENGTH_MAX && sameSecret(token, this.#options.operatorToken);
    if (right) return { next: undefined, value: 'right' as const };
    const next = afterFailure(count, nowMs);
    const value = isLocked(next, nowMs) ? ('now locked' as const) : ('wrong' as const);
    return { next, value };
  }

  #remember(key: string, session: Session): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, session);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_MAX && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
  }
}

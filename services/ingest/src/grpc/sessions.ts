import type { Metadata } from '@grpc/grpc-js';
import { accept, type Digests, type Result, refuse } from '#libs/domain';
import { hasSession, readSession, SESSION_TRAILER, type SessionClaim } from '#libs/grpc';
import { INGEST_LIMITS } from '../application/limits.js';
import type { Clock } from '../application/ports.js';
import type { Senders } from '../application/senders.js';
import type { Budget } from '../domain/failure-budget.js';
import { LatestMap } from '../domain/latest-map.js';
import { sessionOf } from './stream-session.js';

// Finding out whose a session is takes about as long as so many signature checks.
const SESSION_CHECKS = 4;

/** What is known of a call before its messages. */
export type OpenedCall = { readonly metadata: Metadata; getPeer(): string };

/** Who posts, and until when: an account's session ends, a connection's calls go on. */
export type Caller = { readonly sender: Budget; readonly validUntilMs: bigint | undefined };

/**
 * Finds out who calls. A session is checked once, however many calls show it: what was checked lately is
 * known by its text, signature included.
 */
export class Sessions {
  readonly #known = new LatestMap<SessionClaim>(INGEST_LIMITS.sendersMax);

  constructor(
    private readonly digests: Digests,
    private readonly senders: Senders,
    private readonly clock: Clock,
  ) {}

  /** Who posts: the session's account, or the connection when none is sent. Refuses as {@link of} does. */
  caller(call: OpenedCall): Result<Caller> {
    if (!hasSession(call.metadata)) {
      return accept({ sender: this.senders.ofConnection(call.getPeer()), validUntilMs: undefined });
    }
    const session = this.of(call);
    if (!session.ok) return session;
    const { account, validUntilMs } = session.value;
    return accept({ sender: this.senders.ofAccount(account, call.getPeer()), validUntilMs });
  }

  /** The session of a call. Refuses with UNAUTHENTICATED, or OVERLOADED after too many failures of its connection or host. */
  of(call: OpenedCall): Result<SessionClaim> {
    const nowMs = this.clock.nowMs();
    const text = call.metadata.get(SESSION_TRAILER)[0]?.toString() ?? '';
    const known = this.#known.find(text);
    if (known !== undefined && known.validUntilMs >= nowMs) return accept(known);
    const asking = this.#asking(call, nowMs);
    if (asking === undefined) {
      return refuse(
        'OVERLOADED',
        'too many failures of this connection or host; wait a few seconds',
      );
    }
    const session = sessionOf(call.metadata, this.digests, nowMs);
    if (session.ok) this.#known.set(text, session.value);
    else asking.charge(SESSION_CHECKS, Number(nowMs));
    return session;
  }

  // Who pays for a look at a session. Whoever shares a host with those who pay can use up what the host's sessions
  // may cost; so a session that names one who pays is looked at all the same, on a budget of its own.
  #asking(call: OpenedCall, nowMs: bigint): Budget | undefined {
    const anybody = this.senders.ofSessions(call.getPeer());
    if (!anybody.isSpent(Number(nowMs))) return anybody;
    const claim = readSession(call.metadata, nowMs);
    if (!claim.ok) return undefined;
    const named = this.senders.ofSessionsNaming(claim.value.account, call.getPeer());
    return named?.isSpent(Number(nowMs)) === false ? named : undefined;
  }
}

import {
  type Budget,
  CONNECTION_FAILURES,
  FailureBudget,
  type FailureLimits,
  HOST_FAILURES,
  NAMED_SESSION_FAILURES,
  SENDER_FAILURES,
  SenderBudget,
} from '../domain/failure-budget.js';
import { LatestMap } from '../domain/latest-map.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock } from './ports.js';

/** Names the host of a peer; undefined when many unknown hosts are behind it. */
export type HostOf = (peer: string) => string | undefined;

/**
 * The failure budgets of the latest senders. Who shows a session is its account, others are their connection;
 * the accounts of a connection have a joint budget, and so has everything from one host. The same sender
 * is always the same object, by which a flush tells senders apart.
 */
export class Senders {
  readonly #budgets = new LatestMap<FailureBudget>(INGEST_LIMITS.sendersMax);
  readonly #senders = new LatestMap<Budget>(INGEST_LIMITS.sendersMax);
  /** Own budgets of those of whom a payment was accepted: who comes and does not pay drives none of them out. */
  readonly #payers = new LatestMap<FailureBudget>(INGEST_LIMITS.sendersMax);

  constructor(
    private readonly clock: Clock,
    private readonly hostOf: HostOf,
  ) {}

  /** Of all calls of a connection that name no account. */
  ofConnection(peer: string): Budget {
    const name = `calls of ${peer}`;
    return this.#payer(name, name, this.#ofHost(peer));
  }

  /** Of what is asked before anybody knows whose it is: the sessions of a connection. */
  ofSessions(peer: string): Budget {
    const name = `accounts of ${peer}`;
    return this.#sender(name, this.#budget(name, CONNECTION_FAILURES), this.#ofHost(peer));
  }

  /**
   * Of the sessions that name an account whose payments are accepted, for when those of anybody have used up
   * {@link ofSessions}; undefined for all other accounts. All such accounts of a host have a joint budget, too.
   */
  ofSessionsNaming(account: string, peer: string): Budget | undefined {
    if (this.#payers.find(account)?.isProven !== true) return undefined;
    const place = this.hostOf(peer) ?? peer;
    const name = `sessions of ${account} at ${place}`;
    const joint = this.#budget(`named sessions at ${place}`, HOST_FAILURES);
    return this.#sender(name, this.#budget(name, NAMED_SESSION_FAILURES), [joint]);
  }

  /** Of an account's calls on one connection. */
  ofAccount(account: string, peer: string): Budget {
    return this.#payer(`${account} on ${peer}`, account, [this.ofSessions(peer)]);
  }

  #ofHost(peer: string): Budget[] {
    const host = this.hostOf(peer);
    return host === undefined ? [] : [this.#budget(`host ${host}`, HOST_FAILURES)];
  }

  #budget(name: string, limits: FailureLimits): FailureBudget {
    return this.#budgets.get(name, () => new FailureBudget(Number(this.clock.nowMs()), limits));
  }

  #sender(name: string, own: FailureBudget, shared: readonly Budget[]): Budget {
    return this.#senders.get(name, () => new SenderBudget(own, shared));
  }

  /** One that may pay, by the name of its sender and that of its own budget. */
  #payer(name: string, payer: string, shared: readonly Budget[]): Budget {
    const own = this.#payers.find(payer) ?? this.#budget(payer, SENDER_FAILURES);
    const remember = () => this.#payers.set(payer, own);
    return this.#senders.get(name, () => new SenderBudget(own, shared, remember));
  }
}

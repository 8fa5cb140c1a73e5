import type { Database } from '#libs/database';

/**
 * A leader that has asked for nothing for so long loses its session, and with it the lock: it is stopped, or cut
 * off without the database noticing. It asks several times a second.
 */
const LEASE_MS = 10_000;

/**
 * One leader among all settlement processes, by an advisory lock that ends with its session. It only
 * saves work: what keeps two processes from paying twice are the conditions of BatchRepository.
 */
export class LeaderRepository {
  /** `session` must be a pool of exactly one connection that nobody else uses. */
  constructor(private readonly session: Database) {}

  /**
   * True while this process leads. Asking again is free for the leader; a session that was lost asks
   * anew, so a process that was cut off learns that somebody else took over.
   */
  async isLeader(): Promise<boolean> {
    // The lock counts how often it was taken; the end of the session gives all of them back.
    const [row] = await this.session.sql<{ leads: boolean }[]>`
      select set_config('idle_session_timeout', ${String(LEASE_MS)}, false),
        pg_try_advisory_lock(hashtext('swarmledger-settlement')) as leads`;
    return row?.leads === true;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

import type { Database } from '#libs/database';

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
      select pg_try_advisory_lock(hashtext('swarmledger-settlement')) as leads`;
    return row?.leads === true;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

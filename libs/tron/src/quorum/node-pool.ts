import { setTimeout as sleep } from 'node:timers/promises';
import type { TronChain } from '../chain.js';
import { TronNodeError } from '../errors.js';
import type { Answer } from './agreement.js';

/** One node and the name by which operators know it. */
export type NamedNode = { readonly name: string; readonly chain: TronChain };

/** How a node stands. `resting`: it failed and is left alone; `behind`: its blocks are too old or too new. */
export type NodeReport = {
  readonly name: string;
  readonly state: 'ok' | 'resting' | 'behind' | 'dissenting';
  readonly detail: string;
};

/** Time and waiting; tests bring their own. */
export type PoolClock = {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
};

/** The machine's clock. */
export const machineClock: PoolClock = {
  nowMs: () => Date.now(),
  // A command that waits for nothing but its nodes must not end meanwhile.
  sleep: (ms) => sleep(ms),
};

/** Whom to ask: `fit` nodes keep pace and do not rest, `awake` ones may lag, `all` are all there are. */
export type Whom = 'fit' | 'awake' | 'all';

/** Rest after the first failure in a row; doubles with each further one. */
const REST_FIRST_MS = 200;
const REST_MAX_MS = 30_000;
/** How long those who have not answered are waited for once enough others have. */
const GRACE_MS = 500;

type Member = NamedNode & {
  failures: number;
  restUntilMs: number;
  /** It asked for the rest itself, so it gets it even if too few others are left. */
  askedForRest: boolean;
  error: TronNodeError | undefined;
  behind: boolean;
  dissent: string;
};

/** The nodes, and whom of them to ask. Failing nodes are left alone for a while. */
export class NodePool {
  readonly #members: readonly Member[];

  constructor(
    nodes: readonly NamedNode[],
    /** How many must agree. */
    readonly needed: number,
    private readonly clock: PoolClock,
  ) {
    this.#members = nodes.map((node) => ({
      ...node,
      failures: 0,
      restUntilMs: 0,
      askedForRest: false,
      error: undefined,
      behind: false,
      dissent: '',
    }));
  }

  get size(): number {
    return this.#members.length;
  }

  get reports(): readonly NodeReport[] {
    return this.#members.map((member) => {
      const { name } = member;
      if (member.dissent !== '') return { name, state: 'dissenting', detail: member.dissent };
      if (this.#rests(member)) {
        return { name, state: 'resting', detail: member.error?.message ?? '' };
      }
      return { name, state: member.behind ? 'behind' : 'ok', detail: '' };
    });
  }

  /**
   * Asks the nodes at the same time. When `enough` holds for the answers so far, stragglers get a
   * moment and no more. A node that asked to be left alone is left alone.
   */
  async ask<T>(
    question: (chain: TronChain) => Promise<T>,
    enough: (answers: readonly Answer<T>[]) => boolean,
    whom: Whom = 'fit',
  ): Promise<readonly Answer<T>[]> {
    const answers: Answer<T>[] = [];
    const satisfied = Promise.withResolvers<void>();
    const chosen = this.#choose(whom);
    const unasked = this.#resting(chosen);
    const asked = chosen.map(async (member) => {
      answers.push(await this.#askOne(member, question));
      if (enough(answers)) satisfied.resolve();
    });
    const graceOver = satisfied.promise.then(() => this.clock.sleep(GRACE_MS));
    await Promise.race([Promise.all(asked), graceOver]);
    return [...answers, ...unasked];
  }

  /** Notes which nodes keep pace; the others are asked for nothing but their heads. */
  markPace(behind: readonly string[], kept: readonly string[]): void {
    for (const member of this.#members) {
      if (behind.includes(member.name)) member.behind = true;
      if (kept.includes(member.name)) member.behind = false;
    }
  }

  /** Notes what a node says that enough others contradict; an empty text takes it back. */
  markDissent(names: readonly string[], what: string): void {
    for (const member of this.#members) {
      if (names.includes(member.name)) member.dissent = what;
      else if (member.dissent === what) member.dissent = '';
    }
  }

  #choose(whom: Whom): readonly Member[] {
    const candidates = this.#members.filter(
      (member) => !(this.#rests(member) && member.askedForRest),
    );
    if (whom === 'all') return candidates;
    const awake = candidates.filter((member) => !this.#rests(member));
    const chosen = whom === 'awake' ? awake : awake.filter(({ behind }) => !behind);
    // Too few are left to agree: ask the others too, rather than stop by ourselves.
    return chosen.length >= this.needed ? chosen : candidates;
  }

  /** Why those who are not asked say nothing. */
  #resting(chosen: readonly Member[]): (Answer<never> & { ok: false })[] {
    return this.#members.flatMap(({ name: node, error, ...rest }) => {
      const skipped = !chosen.some(({ name }) => name === node) && this.#rests(rest);
      return skipped && error !== undefined ? [{ node, ok: false as const, error }] : [];
    });
  }

  async #askOne<T>(member: Member, question: (chain: TronChain) => Promise<T>): Promise<Answer<T>> {
    const node = member.name;
    try {
      const value = await question(member.chain);
      this.#recover(member);
      return { node, ok: true, value };
    } catch (error) {
      if (!(error instanceof TronNodeError)) throw error;
      // A refusal is about the question, not about the node.
      if (error.failure === 'refused') this.#recover(member);
      else this.#rest(member, error);
      return { node, ok: false, error };
    }
  }

  #recover(member: Member): void {
    member.failures = 0;
    member.restUntilMs = 0;
    member.error = undefined;
  }

  #rest(member: Member, error: TronNodeError): void {
    const ownMs = Math.min(REST_FIRST_MS * 2 ** member.failures, REST_MAX_MS);
    member.failures += 1;
    member.askedForRest = error.retryAfterMs !== undefined;
    member.restUntilMs = this.clock.nowMs() + Math.max(ownMs, error.retryAfterMs ?? 0);
    member.error = error;
  }

  #rests({ restUntilMs }: Pick<Member, 'restUntilMs'>): boolean {
    return this.clock.nowMs() < restUntilMs;
  }
}

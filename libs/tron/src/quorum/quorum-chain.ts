import type { Address } from '#libs/domain';
import type {
  AccountPermissions,
  BlockRef,
  BroadcastAnswer,
  ChainAccount,
  ChainPrices,
  ChainResources,
  Inclusion,
  SolidBlock,
  TronChain,
} from '../chain.js';
import { TronNodeError } from '../errors.js';
import {
  type Answer,
  disagreement,
  type Head,
  judge,
  keepPace,
  tooFew,
  type Verdict,
} from './agreement.js';
import {
  machineClock,
  type NamedNode,
  NodePool,
  type NodeReport,
  type PoolClock,
} from './node-pool.js';

const SOLID = 'solidified blocks';

/** How far the newest blocks of two nodes may be apart. */
export type QuorumPolicy = { readonly lagMaxMs: bigint };

/** A disagreement that has not shown again for so long is over; the question may just not come back. */
const DISAGREEMENT_MS = 60_000;
/** State moves with the solidified head, which nodes reach one after the other. */
const STATE_TRIES = 4;
const STATE_PAUSE_MS = 300;

/**
 * {@link TronChain} over several nodes that do not trust one another: two must agree before anything
 * solidified is believed, and of what may still change the safest answer counts. Nodes that do not
 * answer are done without while enough others do. With one node it is that node.
 */
export class QuorumChain implements TronChain {
  readonly #pool: NodePool;
  /** What nodes disagree about, by the subject. */
  readonly #disagreements = new Map<string, { readonly text: string; readonly atMs: number }>();

  constructor(
    nodes: readonly NamedNode[],
    private readonly policy: QuorumPolicy,
    private readonly clock: PoolClock = machineClock,
  ) {
    if (nodes.length === 0) throw new TypeError('at least one TRON node is needed');
    this.#pool = new NodePool(nodes, Math.min(2, nodes.length), clock);
  }

  /** Why nothing that nodes say may be acted on, or undefined. It lasts until they agree again. */
  get disagreement(): string | undefined {
    const sinceMs = this.clock.nowMs() - DISAGREEMENT_MS;
    return [...this.#disagreements.values()].find(({ atMs }) => atMs > sinceMs)?.text;
  }

  /** How each node stands. */
  get nodes(): readonly NodeReport[] {
    return this.#pool.reports;
  }

  chainId(): Promise<bigint> {
    return this.#unanimous('the chain', (chain) => chain.chainId());
  }

  /** The lowest head: one that is too high would make a transaction live too long. */
  async head(): Promise<BlockRef> {
    const [lowest] = await this.#heads('the newest block', (chain) => chain.head());
    return lowest.head;
  }

  /** The lowest solidified head, once enough nodes have that very block. */
  async solidHead(): Promise<BlockRef> {
    const what = 'the newest solidified block';
    const [lowest, ...others] = await this.#heads(what, (chain) => chain.solidHead());
    const { number } = lowest.head;
    const same = [lowest, ...others.filter(({ head }) => head.number === number)];
    const answers = same.map(({ node, head }) => ({ node, ok: true as const, value: head }));
    const verdict = judge(answers, this.#pool.needed);
    if (verdict.kind !== 'too-few') return this.#settle(SOLID, verdict, true);
    const confirmed = await this.#block(SOLID, (chain) => chain.solidRef(number));
    if (confirmed === undefined) throw new TronNodeError('stale', `no two nodes have ${what}`);
    return confirmed;
  }

  /** Of a single node only a block whose header covers its transactions. */
  solidBlock(number: bigint): Promise<SolidBlock | undefined> {
    const what = `block ${number}`;
    return this.#block(what, async (chain) => {
      const told = await chain.solidBlock(number);
      if (told === undefined) return undefined;
      const { isProven, ...block } = told;
      if (isProven === true || this.#pool.size > 1) return block;
      const text = `the transactions of ${what} do not give the root in its header, and no second node is configured that could confirm it`;
      throw new TronNodeError('contradiction', text);
    });
  }

  solidRef(number: bigint): Promise<BlockRef | undefined> {
    return this.#block(`block ${number}`, (chain) => chain.solidRef(number));
  }

  /** In a block when enough nodes say so; a single one may lie to keep us from sending again. */
  async inclusion(txid: string): Promise<Inclusion | undefined> {
    const answers = await this.#answers('a transaction', (chain) => chain.inclusion(txid));
    const verdict = judge(answers, this.#pool.needed);
    return verdict.kind === 'agreed' ? contentOf(verdict.answer) : undefined;
  }

  /** True when any node says so: then nothing may be signed anew before somebody has looked. */
  async isSolidified(txid: string): Promise<boolean> {
    const answers = await this.#answers('a transaction', (chain) => chain.isSolidified(txid));
    return answers.some((answer) => answer.ok && answer.value);
  }

  account(address: Address): Promise<ChainAccount | undefined> {
    return this.#state(`account ${address}`, (chain) => chain.account(address));
  }

  view(contract: Address, data: Uint8Array): Promise<Uint8Array> {
    return this.#state(`contract ${contract}`, (chain) => chain.view(contract, data));
  }

  /** A change that only some nodes show yet is a disagreement: it stops at once, as it should. */
  headPermissions(address: Address): Promise<AccountPermissions | undefined> {
    return this.#unanimous(`the permissions of ${address}`, (chain) =>
      chain.headPermissions(address),
    );
  }

  /** The least that any node tells, as they see the newest block at different times. */
  async resources(address: Address): Promise<ChainResources> {
    const what = `the resources of ${address}`;
    const answers = await this.#answers(what, (chain) => chain.resources(address));
    const told = answersIn(answers);
    return {
      energyLeft: least(told.map(({ energyLeft }) => energyLeft)),
      bandwidthLeft: least(told.map(({ bandwidthLeft }) => bandwidthLeft)),
      freeBandwidthLeft: least(told.map(({ freeBandwidthLeft }) => freeBandwidthLeft)),
    };
  }

  prices(): Promise<ChainPrices> {
    return this.#state("the chain's prices", (chain) => chain.prices());
  }

  energyPriceSun(): Promise<bigint> {
    return this.#state('the price of energy', (chain) => chain.energyPriceSun());
  }

  /** The same bytes to all nodes; refused only when enough of them refuse and none accepts. */
  async broadcast(signedHex: string): Promise<BroadcastAnswer> {
    const answers = await this.#pool.ask(
      (chain) => chain.broadcast(signedHex),
      (so) => so.some((answer) => answer.ok && answer.value.accepted),
      'all',
    );
    const told = answersIn(answers);
    const accepted = told.find((answer) => answer.accepted);
    if (accepted !== undefined) return accepted;
    const refusals = told.filter((answer) => !answer.accepted);
    const [first] = refusals;
    if (first === undefined || refusals.length < this.#pool.needed) {
      throw tooFew('a broadcast', silent(answers), this.#count);
    }
    // A refusal of the content may end a batch, so one node's word for it is not enough.
    return refusals.find(({ code }) => code !== first.code) === undefined
      ? first
      : { accepted: false, code: 'MIXED', message: refusals.map(({ code }) => code).join(', ') };
  }

  get #count() {
    return { nodes: this.#pool.size, needed: this.#pool.needed };
  }

  /** At least as many answers as must agree, whatever they are. */
  async #answers<T>(what: string, question: (chain: TronChain) => Promise<T>) {
    const { needed } = this.#pool;
    const enough = (so: readonly Answer<T>[]) => so.filter(({ ok }) => ok).length >= needed;
    const answers = await this.#pool.ask(question, enough);
    if (!enough(answers)) throw tooFew(what, silent(answers), this.#count);
    return answers;
  }

  async #heads(
    what: string,
    question: (chain: TronChain) => Promise<BlockRef>,
  ): Promise<[Head, ...Head[]]> {
    const { needed } = this.#pool;
    const enough = (so: readonly Answer<BlockRef>[]) => so.filter(({ ok }) => ok).length >= needed;
    const answers = await this.#pool.ask(question, enough, 'awake');
    if (!enough(answers)) throw tooFew(what, silent(answers), this.#count);
    const heads = answers.flatMap((answer) =>
      answer.ok ? [{ node: answer.node, head: answer.value }] : [],
    );
    const { kept, left } = keepPace(heads, needed, this.policy.lagMaxMs);
    const names = (list: readonly Head[]) => list.map(({ node }) => node);
    const [lowest, ...others] = kept;
    if (lowest === undefined || kept.length < needed) {
      const times = heads.map(({ node, head }) => `${node} at ${timeOf(head)}`).join(', ');
      throw new TronNodeError('stale', `the TRON nodes are too far apart on ${what}: ${times}`);
    }
    this.#pool.markPace(names(left), names(kept));
    return [lowest, ...others];
  }

  /** A fact that is the same for ever: one node that says otherwise is enough to stop. */
  async #unanimous<T>(what: string, question: (chain: TronChain) => Promise<T>): Promise<T> {
    return this.#settle(what, await this.#verdict(question), true);
  }

  /** The same for a block, which nodes may not have yet. */
  async #block<T>(
    what: string,
    question: (chain: TronChain) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { needed } = this.#pool;
    const present = (so: readonly Answer<T | undefined>[]) =>
      so.filter((answer) => answer.ok && answer.value !== undefined);
    const enough = (so: readonly Answer<T | undefined>[]) =>
      judge(present(so), needed).kind === 'agreed';
    const answers = await this.#pool.ask(question, enough);
    if (answers.filter(({ ok }) => ok).length < needed) {
      throw tooFew(what, silent(answers), this.#count);
    }
    const found = present(answers);
    if (found.length === 0) return undefined;
    const verdict = judge(found, needed);
    if (verdict.kind !== 'too-few') return this.#settle(what, verdict, true);
    const names = found.map(({ node }) => node).join(', ');
    throw new TronNodeError('stale', `of ${what} only ${names} tells anything so far`);
  }

  /** A fact of the solidified state: nodes that are a block apart may differ for a moment. */
  async #state<T>(what: string, question: (chain: TronChain) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const verdict = await this.#verdict(question);
      if (verdict.kind !== 'disagreed' || attempt === STATE_TRIES) {
        return this.#settle(what, verdict, false);
      }
      await this.clock.sleep(STATE_PAUSE_MS * attempt);
    }
  }

  async #verdict<T>(question: (chain: TronChain) => Promise<T>): Promise<Verdict<T>> {
    const { needed } = this.#pool;
    const enough = (so: readonly Answer<T>[]) => judge(so, needed).kind === 'agreed';
    return judge(await this.#pool.ask(question, enough), needed);
  }

  #settle<T>(what: string, verdict: Verdict<T>, unanimous: boolean): T {
    if (verdict.kind === 'too-few') throw tooFew(what, verdict.silent, this.#count);
    if (verdict.kind === 'disagreed') throw this.#disagree(what, verdict.groups);
    const { answer, agreeing, dissenters } = verdict;
    if (dissenters.length > 0 && unanimous) throw this.#disagree(what, [agreeing, dissenters]);
    this.#disagreements.delete(what);
    this.#pool.markDissent(dissenters, `says something else of ${what}`);
    return contentOf(answer);
  }

  #disagree(what: string, groups: readonly (readonly string[])[]): TronNodeError {
    const error = disagreement(what, groups);
    const atMs = this.clock.nowMs();
    for (const [subject, old] of this.#disagreements) {
      if (old.atMs <= atMs - DISAGREEMENT_MS) this.#disagreements.delete(subject);
    }
    this.#disagreements.set(what, { text: error.message, atMs });
    return error;
  }
}

function contentOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw answer.error;
  return answer.value;
}

function answersIn<T>(answers: readonly Answer<T>[]): T[] {
  return answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
}

function silent<T>(answers: readonly Answer<T>[]) {
  return answers.filter((answer) => !answer.ok);
}

function least(values: readonly bigint[]): bigint {
  const [lowest = 0n] = [...values].sort((a, b) => (a < b ? -1 : 1));
  return lowest;
}

function timeOf({ timestampMs }: BlockRef): string {
  return new Date(Number(timestampMs)).toISOString();
}

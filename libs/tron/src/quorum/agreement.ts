import { toHex } from '#libs/domain';
import type { BlockRef } from '../chain.js';
import { TronNodeError } from '../errors.js';

/** What one node said to a question, or why it said nothing. */
export type Answer<T> = { readonly node: string } & (
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: TronNodeError }
);

/** What the answers to one question come to. */
export type Verdict<T> =
  /** Enough nodes say the same. `dissenters` say something else. */
  | {
      readonly kind: 'agreed';
      readonly answer: Answer<T>;
      readonly agreeing: readonly string[];
      readonly dissenters: readonly string[];
    }
  /** Nodes that say the same, group by group; none is large enough, or more than one is. */
  | { readonly kind: 'disagreed'; readonly groups: readonly (readonly string[])[] }
  /** Fewer answers than must agree. */
  | { readonly kind: 'too-few'; readonly silent: readonly (Answer<T> & { ok: false })[] };

/**
 * Compares answers: `needed` nodes must say the same, and no other group may be as large as that. A
 * refusal of the question itself is an answer, too: nodes may agree that a call fails.
 */
export function judge<T>(answers: readonly Answer<T>[], needed: number): Verdict<T> {
  const byKey = new Map<string, Answer<T>[]>();
  for (const answer of answers) {
    const key = keyOf(answer);
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), answer]);
  }
  const answered = [...byKey.values()].sort((a, b) => b.length - a.length);
  const count = answered.reduce((sum, group) => sum + group.length, 0);
  if (count < needed) return { kind: 'too-few', silent: answers.filter((answer) => !answer.ok) };
  const [largest = [], second = []] = answered;
  const [answer] = largest;
  const groups = answered.map((group) => group.map(({ node }) => node));
  if (answer === undefined || largest.length < needed || second.length >= needed) {
    return { kind: 'disagreed', groups };
  }
  const [agreeing = [], ...others] = groups;
  return { kind: 'agreed', answer, agreeing, dissenters: others.flat() };
}

function keyOf<T>(answer: Answer<T>): string | undefined {
  if (answer.ok) return factKey(answer.value);
  return answer.error.failure === 'refused' ? 'refused' : undefined;
}

/** A text that two values share exactly when they are equal in content. */
export function factKey(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (value instanceof Map) return `{${[...value].map(pairKey).sort().join()}}`;
  if (Array.isArray(value)) return `[${value.map(factKey).join()}]`;
  if (typeof value === 'object' && value !== null) {
    const present = Object.entries(value).filter(([, part]) => part !== undefined);
    return `{${present.map(pairKey).sort().join()}}`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

function pairKey([key, value]: readonly [unknown, unknown]): string {
  return `${factKey(key)}:${factKey(value)}`;
}

/** A node and the newest block that it tells. */
export type Head = { readonly node: string; readonly head: BlockRef };

/** Nodes that keep pace with one another, lowest block first, and those that do not. */
export type Pace = { readonly kept: readonly Head[]; readonly left: readonly Head[] };

/**
 * Leaves out nodes whose newest block is more than `lagMaxMs` older or newer than what `needed` nodes
 * have reached: one that is behind would show an old chain, one far ahead invents its time.
 */
export function keepPace(heads: readonly Head[], needed: number, lagMaxMs: bigint): Pace {
  const times = heads.map(({ head }) => head.timestampMs).sort((a, b) => (a < b ? 1 : -1));
  const reached = times[needed - 1];
  if (reached === undefined) return { kept: [], left: heads };
  const keepsPace = ({ head }: Head) => {
    const offMs = head.timestampMs - reached;
    return offMs <= lagMaxMs && -offMs <= lagMaxMs;
  };
  return {
    kept: heads.filter(keepsPace).sort((a, b) => (a.head.number < b.head.number ? -1 : 1)),
    left: heads.filter((head) => !keepsPace(head)),
  };
}

/** The error for a question that too few nodes answered. */
export function tooFew(
  what: string,
  silent: readonly { readonly node: string; readonly error: TronNodeError }[],
  count: { readonly nodes: number; readonly needed: number },
): TronNodeError {
  const [first] = silent;
  if (count.nodes === 1 && first !== undefined) return first.error;
  const kinds = new Set(silent.map(({ error }) => error.failure));
  const kind = kinds.size === 1 ? (first?.error.failure ?? 'unreachable') : 'unreachable';
  const reasons = silent.map(({ node, error }) => `${node} (${error.failure})`).join(', ');
  return new TronNodeError(
    kind,
    `of ${count.nodes} TRON nodes ${count.needed} must agree on ${what}, but these do not answer: ${reasons}`,
    { cause: first?.error },
  );
}

/** The error for nodes that contradict one another. */
export function disagreement(what: string, groups: readonly (readonly string[])[]): TronNodeError {
  const sides = groups.map((group) => group.join(' and ')).join(' against ');
  return new TronNodeError('disagreement', `the TRON nodes disagree about ${what}: ${sides}`);
}

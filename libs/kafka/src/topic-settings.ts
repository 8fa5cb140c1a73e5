/** Settings of a topic by their Kafka names. */
export type TopicSettings = Readonly<Record<string, string>>;

// Kafka's own values where a specification says nothing and another value would lose records.
const ASSUMED: TopicSettings = { 'cleanup.policy': 'delete' };

// More of these is never worse: an operator may keep records longer or demand more replicas.
const AT_LEAST = new Set(['min.insync.replicas', 'retention.ms', 'max.message.bytes']);

// These say how the topic is kept on disk, which is the operator's business.
const FREE = new Set(['segment.ms', 'segment.bytes']);

/**
 * What must be set on a topic that exists, so that it promises at least what is needed; empty when nothing
 * must. A setting that promises more stays as it is.
 */
export function settingsToCorrect(needed: TopicSettings, actual: TopicSettings): TopicSettings {
  const all = { ...ASSUMED, ...needed };
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) => !FREE.has(name) && !isEnough(name, value, actual[name]),
    ),
  );
}

function isEnough(name: string, needed: string, actual: string | undefined): boolean {
  if (actual === undefined) return false;
  if (!AT_LEAST.has(name)) return actual === needed;
  // −1 is "for ever".
  const size = (value: string) => (Number(value) < 0 ? Number.POSITIVE_INFINITY : Number(value));
  return size(actual) >= size(needed);
}

/** The kinds of load, in the order in which `all` runs them. */
export const SCENARIO_NAMES = ['unary', 'stream', 'mixed', 'hot-payee', 'hot-payer'] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** What makes one kind of load differ from the others. */
export type ScenarioSpec = {
  readonly api: 'unary' | 'stream';
  /** Requests that one iteration of the script sends: a stream's batches, else one. */
  readonly requestsPerIteration: number;
  readonly payers: number;
  readonly payees: number;
  /** Share of vouchers that are bad on purpose, in percent. */
  readonly badPercent: number;
};

const UNARY = {
  api: 'unary',
  requestsPerIteration: 1,
  payers: 20,
  payees: 20,
  badPercent: 1,
} as const;

/**
 * - `unary`: PostVouchers, channels between 20 payers and 20 payees.
 * - `stream`: the same vouchers over StreamVouchers, ten batches a stream, sent without waiting.
 * - `mixed`: one voucher in ten is bad.
 * - `hot-payee`: all channels pay one payee, whose balance is credited by all partitions.
 * - `hot-payer`: all channels are one payer's.
 */
export const SCENARIOS: Readonly<Record<ScenarioName, ScenarioSpec>> = {
  unary: UNARY,
  stream: { ...UNARY, api: 'stream', requestsPerIteration: 10 },
  mixed: { ...UNARY, badPercent: 10 },
  'hot-payee': { ...UNARY, payees: 1 },
  'hot-payer': { ...UNARY, payers: 1 },
};

/** The scenarios of a name or of `all`; undefined for anything else. */
export function scenariosOf(name: string): readonly ScenarioName[] | undefined {
  if (name === 'all') return SCENARIO_NAMES;
  const known = SCENARIO_NAMES.find((each) => each === name);
  return known === undefined ? undefined : [known];
}

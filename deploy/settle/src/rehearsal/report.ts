import type { Batch } from '#libs/contracts';
import { grouped, trx } from '../plan-text.js';

/** Mean cost of paying one payee. */
export type Cost = { readonly energy: number; readonly feeSun: number };

/** What a rehearsal found. */
export type Rehearsal = {
  readonly payouts: number;
  readonly batches: readonly Batch[];
  /** A plain transfer to somebody who never held the token, and to somebody who does. */
  readonly first: Cost;
  readonly again: Cost;
  readonly seconds: Readonly<Record<string, number>>;
  readonly differences: readonly string[];
  readonly conserved: boolean;
};

/** Payees of a batch → what one of them cost, mean of all batches of that size. */
export function costBySize(batches: readonly Batch[]): [number, Cost][] {
  const sizes = Map.groupBy(batches, ({ payouts }) => payouts);
  const mean = (list: readonly Batch[], of: (batch: Batch) => bigint, size: number) =>
    Math.round(Number(list.reduce((sum, batch) => sum + of(batch), 0n)) / list.length / size);
  return [...sizes]
    .sort(([a], [b]) => a - b)
    .map(([size, list]) => [
      size,
      {
        energy: mean(list, ({ energyUsed }) => energyUsed, size),
        feeSun: mean(list, ({ feeSun }) => feeSun, size),
      },
    ]);
}

/** The result as a text: a table by batch size, times, and the verdict. */
export function reportText(result: Rehearsal): string[] {
  const { first } = result;
  const row = (name: string, { energy, feeSun }: Cost) => {
    const over = (value: number, base: number) => {
      const share = (100 * (value - base)) / base;
      return `${share >= 0 ? '+' : ''}${share.toFixed(1)} %`;
    };
    return [
      name.padEnd(22),
      grouped(energy).padStart(8),
      over(energy, first.energy).padStart(10),
      trx(BigInt(feeSun)).padStart(16),
      over(feeSun, first.feeSun).padStart(10),
    ].join(' ');
  };
  const times = Object.entries(result.seconds).map(
    ([phase, seconds]) => `${phase} ${seconds.toFixed(1)} s`,
  );
  return [
    '',
    `${'per payee'.padEnd(22)} ${'energy'.padStart(8)} ${'to single'.padStart(10)} ${'fee'.padStart(16)} ${'to single'.padStart(10)}`,
    row('single transfer', first),
    ...costBySize(result.batches).map(([size, cost]) => row(`batch of ${size}`, cost)),
    row('single transfer again', result.again),
    '',
    `${grouped(result.payouts)} payouts: ${times.join(', ')}`,
    ...result.differences.map((line) => `WRONG: ${line}`),
    ...(result.conserved ? [] : ['WRONG: the books do not balance']),
    ...(result.differences.length === 0 && result.conserved
      ? ['Ledger, journal, settlement and chain agree about every payout; each was paid once.']
      : []),
  ];
}

/** The result as `--json` prints it. */
export function reportJson(result: Rehearsal): string {
  const perPayee = Object.fromEntries(costBySize(result.batches));
  const energyUsed = result.batches.reduce((sum, batch) => sum + batch.energyUsed, 0n);
  return JSON.stringify({
    payouts: result.payouts,
    transactions: result.batches.length,
    energyUsed: Number(energyUsed),
    single: result.first,
    singleAgain: result.again,
    perPayee,
    seconds: result.seconds,
    differences: result.differences.length,
    conserved: result.conserved,
  });
}

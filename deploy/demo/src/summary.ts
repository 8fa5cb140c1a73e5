import { formatUnits, type Units } from '#libs/domain';
import { paint } from './display.js';

/** What the demo tells at its end. Units are bigint here and decimal text in JSON. */
export type Summary = {
  readonly depositedUnits: Units;
  readonly withdrawnUnits: Units;
  readonly feesUnits: Units;
  readonly torrentPiecesPaid: number;
  readonly torrentVerified: boolean;
  readonly channelsOpened: number;
  readonly channelsClosed: number;
  readonly vouchersAccepted: number;
  readonly vouchersRejected: number;
  readonly ticksAccepted: number;
  readonly auctionRounds: number;
  readonly matches: number;
  readonly settlementBatches: number;
  readonly onChainTransactions: number;
  readonly conserved: boolean;
  readonly firstStartSeconds: number | null;
  readonly seed: number;
  readonly streamReconnects: number;
  readonly figuresChecked: number;
  readonly seconds: number;
  readonly differences: readonly string[];
};

/** One line of JSON; units are decimal text, since a JSON number cannot hold them all. */
export function summaryJson(summary: Summary): string {
  return JSON.stringify(summary, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** A table for people; coloured on a terminal. */
export function summaryTable(summary: Summary, coloured: boolean): string {
  const money = (units: Units) => `${formatUnits(units)} BTTOLD`;
  const rows: [string, string][] = [
    ['deposited', money(summary.depositedUnits)],
    ['withdrawn', money(summary.withdrawnUnits)],
    ['fees', money(summary.feesUnits)],
    ['file downloaded', summary.torrentVerified ? 'verified' : 'NOT VERIFIED'],
    ['pieces paid', count(summary.torrentPiecesPaid)],
    ['channels', `${summary.channelsOpened} opened, ${summary.channelsClosed} closed`],
    ['vouchers accepted', count(summary.vouchersAccepted)],
    ['ticks accepted', count(summary.ticksAccepted)],
    ['payments refused', count(summary.vouchersRejected)],
    ['auction', `${summary.matches} matches in ${summary.auctionRounds} rounds`],
    ['settlement batches', count(summary.settlementBatches)],
    ['chain transactions', count(summary.onChainTransactions)],
    ['figures compared', count(summary.figuresChecked)],
    ['conserved', summary.conserved ? 'yes, to the unit' : 'NO'],
    ['time', `${summary.seconds.toFixed(1)} s (seed ${summary.seed})`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const colour = summary.conserved && summary.differences.length === 0 ? 32 : 31;
  return lines.map((line) => (coloured ? paint(colour, line) : line)).join('\n');
}

/** The seconds that the launcher measured, or null when it told none. */
export function firstStartSeconds(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

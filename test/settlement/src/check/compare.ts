import type { AssetName, Movement } from './chain-record.js';

/**
 * What can be wrong.
 * - `doubled`: somebody was paid twice, or paid and given back, or credited twice.
 * - `lost`: the ledger says paid and the chain does not, or less came back than was taken, or a deposit was not credited as it came.
 * - `invented`: a payment that nobody asked for, a credit that the chain does not know.
 * - `books`: postings do not add up, the ledger owes more than the chain holds, or somebody was paid before an epoch.
 */
export type Finding = {
  readonly kind: 'doubled' | 'lost' | 'invented' | 'books';
  readonly text: string;
};

/** A withdrawal that was asked for: its destination is an address that nobody else uses. */
export type Asked = {
  readonly id: string;
  readonly asset: AssetName;
  /** Hex with 41. */
  readonly destination: string;
  /** Without the fee. */
  readonly netUnits: bigint;
  /** With the fee: what goes back when it is not paid. */
  readonly amountUnits: bigint;
  /** Newest block before it was asked for, where an epoch has to be committed between that and the payment. */
  readonly epochAfter: number | undefined;
};

/** A withdrawal in the ledger's tables, and its postings. */
export type BookedWithdrawal = {
  readonly id: string;
  readonly state: number;
  /** Units that went to the reserve (paid), to fees, and back to the account. */
  readonly paidUnits: bigint;
  readonly refundedUnits: bigint;
  readonly openUnits: bigint;
};

/** A deposit in the ledger's tables. */
export type BookedDeposit = {
  readonly txid: string;
  readonly index: number;
  readonly asset: AssetName;
  /** Hex with 41; undefined in suspense. */
  readonly account: string | undefined;
  readonly units: bigint;
  /** Postings that name it. */
  readonly postings: number;
};

/** All three sources, as of one moment. */
export type Evidence = {
  readonly asked: readonly Asked[];
  readonly out: readonly Movement[];
  readonly in: readonly Movement[];
  readonly withdrawals: readonly BookedWithdrawal[];
  readonly deposits: readonly BookedDeposit[];
  /** Blocks with an epoch. */
  readonly epochs: readonly number[];
  /** Payments of the rig itself, and addresses whose transfers in are no deposits of theirs. */
  readonly ignoredTo: ReadonlySet<string>;
  readonly noAccounts: ReadonlySet<string>;
};

// Numbers are written out: the checker must not read them from the code that it checks.
const BASE_PER_UNIT: Readonly<Record<AssetName, bigint>> = {
  TRC20_BTT: 10n ** 15n,
  TRC10_BTTOLD: 1n,
};
const SOLIDIFIED = 7;
const ENDED = [7, 8, 9];

export const unitsOf = (asset: AssetName, baseUnits: bigint) => baseUnits / BASE_PER_UNIT[asset];

/** Everything in which chain, ledger and what was asked for contradict one another. */
export function compare(evidence: Evidence): Finding[] {
  return [...payoutFindings(evidence), ...depositFindings(evidence)];
}

function payoutFindings({ asked, out, withdrawals, ignoredTo, epochs }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const booked = new Map(withdrawals.map((each) => [each.id, each]));
  const known = new Set(asked.map(({ destination }) => destination));
  for (const { to, txid, baseUnits } of out) {
    if (known.has(to) || ignoredTo.has(to)) continue;
    findings.push({ kind: 'invented', text: `${baseUnits} base units went to ${to} by ${txid}` });
  }
  const byPayee = Map.groupBy(out, ({ to }) => to);
  for (const each of asked) {
    const { id, asset, destination, netUnits, epochAfter } = each;
    const payments = byPayee.get(destination) ?? [];
    const sum = payments.reduce((total, { baseUnits }) => total + baseUnits, 0n);
    const wanted = netUnits * BASE_PER_UNIT[asset];
    const told = `withdrawal ${id}: ${sum} of ${wanted} base units in ${payments.length} payments`;
    if (payments.length > 1 || sum > wanted) findings.push({ kind: 'doubled', text: told });
    if (payments.some((payment) => payment.asset !== asset))
      findings.push({ kind: 'invented', text: told });
    const isEarly = ({ block }: Movement) =>
      epochAfter !== undefined && !epochs.some((epoch) => epoch > epochAfter && epoch < block);
    if (payments.some(isEarly)) {
      findings.push({ kind: 'books', text: `${told}, with no epoch before that knows of it` });
    }
    findings.push(...bookFindings(booked.get(id), each, sum, told));
  }
  return findings;
}

function bookFindings(
  booked: BookedWithdrawal | undefined,
  { asset, netUnits, amountUnits }: Asked,
  sum: bigint,
  told: string,
): Finding[] {
  if (booked === undefined) return [{ kind: 'lost', text: `${told}, unknown to the ledger` }];
  const findings: Finding[] = [];
  const { state, paidUnits, refundedUnits, openUnits } = booked;
  const isPaid = state === SOLIDIFIED;
  const isBack = ENDED.includes(state) && !isPaid;
  if (isPaid && sum !== netUnits * BASE_PER_UNIT[asset])
    findings.push({ kind: 'lost', text: told });
  if (isBack && sum > 0n) findings.push({ kind: 'doubled', text: `${told}, and given back` });
  if (isBack && refundedUnits !== amountUnits) {
    const text = `${told}: ${refundedUnits} of ${amountUnits} units were given back`;
    findings.push({ kind: refundedUnits > amountUnits ? 'doubled' : 'lost', text });
  }
  if (paidUnits > 0n && refundedUnits > 0n) {
    findings.push({ kind: 'doubled', text: `${told}: booked as paid and as given back` });
  }
  if (ENDED.includes(state) ? openUnits !== 0n : openUnits <= 0n) {
    findings.push({ kind: 'books', text: `${told}: ${openUnits} units left in state ${state}` });
  }
  return findings;
}

function depositFindings({ in: received, deposits, noAccounts }: Evidence): Finding[] {
  const findings: Finding[] = [];
  const byTxid = Map.groupBy(deposits, ({ txid }) => txid);
  const wanted = received.filter(({ asset, baseUnits }) => unitsOf(asset, baseUnits) > 0n);
  const fromChain = new Set(wanted.map(({ txid }) => txid));
  for (const { txid, asset, from, baseUnits } of wanted) {
    if (noAccounts.has(from)) continue;
    const units = unitsOf(asset, baseUnits);
    const rows = (byTxid.get(txid) ?? []).filter((row) => row.asset === asset);
    const told = `deposit ${txid} of ${units} ${asset} from ${from}`;
    const [row] = rows;
    if (row === undefined) findings.push({ kind: 'lost', text: `${told} was not credited` });
    else if (rows.length > 1 || row.postings !== 1) {
      findings.push({
        kind: 'doubled',
        text: `${told}: ${rows.length} rows, ${row.postings} postings`,
      });
    } else if (row.units !== units || (row.account !== undefined && row.account !== from)) {
      findings.push({
        kind: 'lost',
        text: `${told} was credited as ${row.units} to ${row.account}`,
      });
    }
  }
  for (const { txid, units, account } of deposits) {
    if (fromChain.has(txid)) continue;
    findings.push({ kind: 'invented', text: `${units} units credited to ${account} for ${txid}` });
  }
  return findings;
}

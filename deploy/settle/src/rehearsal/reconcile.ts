import { baseUnits } from '#libs/domain';
import type { BookedPayout } from './books.repository.js';
import type { ChainRecord } from './chain-record.js';
import type { Due } from './due.js';

/** States of a withdrawal and of a payout that is paid for good. */
const WITHDRAWAL_SOLIDIFIED = 7;
const PAYOUT_PAID = 4;
const SHOWN_MAX = 20;

/**
 * Compares what was asked for with ledger, journal, settlement and chain, payout by payout. Returns what differs, a
 * sentence each, at most twenty; empty when everybody was paid exactly once and the books say so.
 */
export function differences(
  due: readonly Due[],
  booked: readonly BookedPayout[],
  chain: ChainRecord,
): string[] {
  const found: string[] = [];
  const say = (text: string) => {
    if (found.length < SHOWN_MAX) found.push(text);
  };
  const byId = new Map(booked.map((payout) => [payout.withdrawalId, payout]));
  const paymentsTo = Map.groupBy(chain.payments, ({ to }) => to);
  for (const wanted of due) {
    const name = `withdrawal ${wanted.withdrawalId}`;
    const payout = byId.get(wanted.withdrawalId);
    byId.delete(wanted.withdrawalId);
    if (payout === undefined) say(`${name} is not in the ledger`);
    else for (const wrong of faultsOf(wanted, payout)) say(`${name}: ${wrong}`);
    const payments = paymentsTo.get(wanted.destination) ?? [];
    paymentsTo.delete(wanted.destination);
    const amount = baseUnits('TRC20_BTT', wanted.netUnits);
    const [payment] = payments;
    if (payments.length !== 1) say(`${name} was paid ${payments.length} times on chain`);
    else if (payment?.baseUnits !== amount) {
      say(`${name} was paid ${payment?.baseUnits} base units on chain, not ${amount}`);
    } else if (payout !== undefined && payout.ledgerTxid !== payment.txid) {
      say(`${name}: the ledger names transaction ${payout.ledgerTxid}, the chain ${payment.txid}`);
    }
  }
  for (const id of byId.keys()) say(`withdrawal ${id} was asked for by nobody`);
  for (const to of paymentsTo.keys()) say(`${to} was paid on chain and is nobody's destination`);
  return found;
}

function faultsOf(wanted: Due, payout: BookedPayout): string[] {
  const fee = wanted.amountUnits - wanted.netUnits;
  const pairs: [string, bigint | number | null, bigint | number][] = [
    ['its state in the ledger', payout.ledgerState, WITHDRAWAL_SOLIDIFIED],
    ['taken from the account', payout.withdrawn, wanted.amountUnits],
    ['paid by the journal', payout.paid, wanted.netUnits],
    ['fee in the journal', payout.fee, fee],
    ['given back by the journal', payout.refunded, 0n],
    ['its state in settlement', payout.payoutState, PAYOUT_PAID],
    ['paid by settlement', payout.payoutUnits, wanted.netUnits],
    ['lines of batches that paid it', payout.lines, 1n],
  ];
  return pairs
    .filter(([, actual, expected]) => actual !== expected)
    .map(([what, actual, expected]) => `${what}: ${actual}, not ${expected}`);
}

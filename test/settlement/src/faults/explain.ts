import { credentials, Metadata } from '@grpc/grpc-js';
import { SettlementOperatorServiceClient } from '#libs/contracts';
import { until } from '../cluster.js';
import type { FaultTools } from './fault.js';

const READ_MS = 20_000;

/** Transactions of the hot wallet that settlement has read and nobody has explained. */
export function unexplained({ cluster }: FaultTools): Promise<{ txid: Buffer }[]> {
  return cluster.sql<{ txid: Buffer }[]>`
    select txid from settlement.own_transactions o where unexplained and not exists (
      select from settlement.explanations e where e.txid = o.txid)`;
}

/** Tells settlement once, as an operator would, that all of these were the rig's; how many of them it has taken. */
export async function explainAll(tools: FaultTools): Promise<number> {
  const { cluster } = tools;
  const operator = new SettlementOperatorServiceClient(
    cluster.settlementInternalGrpc,
    credentials.createInsecure(),
  );
  const metadata = new Metadata();
  metadata.set('swarmledger-internal-token', cluster.secret('internalToken'));
  const explain = (txid: Buffer) =>
    new Promise<boolean>((resolve) => {
      const request = { txid, operator: 'the rig', reason: 'it has the key, too' };
      operator.explainTransaction(request, metadata, (error) => resolve(error === null));
    });
  let explained = 0;
  try {
    for (const { txid } of await unexplained(tools)) if (await explain(txid)) explained += 1;
    return explained;
  } finally {
    operator.close();
  }
}

/**
 * Explains so many transactions that the rig has sent with the hot wallet's key: settlement signs nothing before. True
 * when it has read and believed them all.
 */
export async function explainOurs(tools: FaultTools, count: number): Promise<boolean> {
  let explained = 0;
  return until(READ_MS, async () => {
    explained += await explainAll(tools);
    return explained >= count;
  });
}

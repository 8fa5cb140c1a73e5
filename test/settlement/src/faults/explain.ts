import { credentials, Metadata } from '@grpc/grpc-js';
import { SettlementOperatorServiceClient } from '#libs/contracts';
import { until } from '../cluster.js';
import type { FaultTools } from './fault.js';

const READ_MS = 20_000;

/**
 * Tells settlement, as an operator would, that so many transactions with the hot wallet's key were the rig's: it signs
 * nothing before. True when it has read and believed them all.
 */
export async function explainOurs({ cluster }: FaultTools, count: number): Promise<boolean> {
  const unexplained = () => cluster.sql<{ txid: Buffer }[]>`
    select txid from settlement.own_transactions o where unexplained and not exists (
      select from settlement.explanations e where e.txid = o.txid)`;
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
    return await until(READ_MS, async () => {
      for (const { txid } of await unexplained()) if (await explain(txid)) explained += 1;
      return explained >= count;
    });
  } finally {
    operator.close();
  }
}

import { readSecret } from './secrets.js';
import type { Endpoints } from './state-file.js';

/** What of a running stack its user is told. */
export type Place = {
  readonly endpoints: Endpoints;
  readonly dataDir: string;
  /** File with the operator token. */
  readonly operatorTokenFile: string;
};

/** The page that signs in by itself: what stands behind `#` is sent to nobody, and the page removes it at once. */
export function loginLink(adminUrl: string, token: string): string {
  return `${adminUrl}/login#token=${encodeURIComponent(token)}`;
}

/** Where the parts of a running stack are, in lines for people; parts that do not run are left out. */
export function whereToLook({ endpoints, dataDir, operatorTokenFile }: Place): string {
  const { adminUrl, ingestGrpc, balanceGrpc, auctionGrpc, settlementGrpc } = endpoints;
  const lines = [
    adminUrl && `Dashboard  ${loginLink(adminUrl, readSecret(operatorTokenFile))}`,
    adminUrl &&
      `           (signs in as operator: keep it to yourself; the token is in ${operatorTokenFile})`,
    ingestGrpc &&
      `gRPC       ingest ${ingestGrpc}, balance ${balanceGrpc}, auction ${auctionGrpc}, settlement ${settlementGrpc}`,
    `Data       ${dataDir} (addresses and ports: state.json; logs: logs/)`,
    'Ctrl-C stops everything; the next start goes on where this one ended.',
  ];
  return `\n${lines.filter(Boolean).join('\n')}\n`;
}

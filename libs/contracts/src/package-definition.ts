import type { PackageDefinition } from '@grpc/proto-loader';
import { BooksServiceService } from './generated/swarmledger/v1/books.js';
import { LedgerServiceService } from './generated/swarmledger/v1/ledger.js';
import { MarketServiceService } from './generated/swarmledger/v1/market.js';
import {
  SettlementOperatorServiceService,
  SettlementServiceService,
} from './generated/swarmledger/v1/settlement.js';
import { SignerServiceService } from './generated/swarmledger/v1/signer.js';
import { VoucherServiceService } from './generated/swarmledger/v1/voucher.js';

/** Package name of every service. */
export const PACKAGE = 'swarmledger.v1';

/** All services of the API by short name, with codecs that keep 64-bit integers as bigint. */
export const SERVICE_DEFINITIONS = {
  VoucherService: VoucherServiceService,
  LedgerService: LedgerServiceService,
  BooksService: BooksServiceService,
  MarketService: MarketServiceService,
  SettlementService: SettlementServiceService,
  SettlementOperatorService: SettlementOperatorServiceService,
  SignerService: SignerServiceService,
} as const;

/** Name of one of our gRPC services. */
export type ServiceName = keyof typeof SERVICE_DEFINITIONS;

/**
 * The package definition of some services, in the form grpc-js and Nest load. Methods are keyed by
 * their names in the proto, as Nest's decorators know them; the generated code has them in camel case.
 */
export function packageDefinition(names: readonly ServiceName[]): PackageDefinition {
  return Object.fromEntries(
    names.map((name) => {
      const methods = Object.values(SERVICE_DEFINITIONS[name]).map((method) => [
        method.path.slice(method.path.lastIndexOf('/') + 1),
        method,
      ]);
      return [`${PACKAGE}.${name}`, Object.fromEntries(methods)];
    }),
  );
}

import { REASONS, type Reason as ReasonName } from '#libs/domain';
import { Reason } from './generated/swarmledger/v1/common.js';

/** The wire's number of a reason. */
export function reasonToWire(name: ReasonName): Reason {
  return Reason[name];
}

/** The name of a reason on the wire, or undefined for one that a newer server made up. */
export function reasonFromWire(reason: Reason): ReasonName | undefined {
  return REASONS.find((name) => Reason[name] === reason);
}

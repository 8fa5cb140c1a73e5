export {
  armFailPoints,
  CLAIM_POINTS,
  EPOCH_POINTS,
  FAIL_POINTS,
  type FailPoint,
  failPoint,
  OPERATOR_POINTS,
  PAYMENT_POINTS,
  SETTLEMENT_POINTS,
} from './fail-points.js';
export { type ArmedPoint, FailPointError, parseFailPoints } from './parse.js';

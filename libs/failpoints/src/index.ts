export { armFailPoints, FAIL_POINTS, type FailPoint, failPoint } from './fail-points.js';
export { type ArmedPoint, FailPointError, parseFailPoints } from './parse.js';

export { hostsBut } from './host.js';
export { requireInternal } from './internal.guard.js';
export { grpcErrorOf, RefusalFilter, RefusedError, unwrap } from './refusal.filter.js';
export { runService, type ServiceOptions } from './run-service.js';
export { type GrpcPortOptions, grpcMicroservice, SERVER_CHANNEL_OPTIONS } from './server.js';
export { ServingStatus } from './serving-status.js';
export {
  formatSession,
  hasSession,
  INTERNAL_TOKEN_TRAILER,
  readSession,
  SESSION_TRAILER,
  type SessionClaim,
} from './session.js';
export { type GrpcError, REASON_TRAILER, STATUS_OF, toGrpcError } from './status.js';

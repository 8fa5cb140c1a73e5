import {
  type CallOptions,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { accept, REASONS, type Reason, type Result, refuse } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER } from '#libs/grpc';

/** Options of every client channel: a service that comes back is found again within two seconds. */
export const CLIENT_CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
} as const;

/** How one call is made. */
export type CallPolicy = {
  readonly timeoutMs: number;
  /** Named in the refusal when nothing answers. */
  readonly service: string;
  readonly internalToken?: string;
  /** True when a call that got no answer may have changed something. */
  readonly changes?: boolean;
};

/**
 * Makes a unary call and turns its error into a refusal: the service's own reason where it sent one,
 * UNAVAILABLE where nothing can have happened, else OUTCOME_UNKNOWN.
 */
export function unaryCall<T>(
  call: (
    metadata: Metadata,
    options: Partial<CallOptions>,
    done: (error: ServiceError | null, response: T) => void,
  ) => ClientUnaryCall,
  policy: CallPolicy,
): Promise<Result<T>> {
  const metadata = new Metadata();
  if (policy.internalToken !== undefined) {
    metadata.set(INTERNAL_TOKEN_TRAILER, policy.internalToken);
  }
  return new Promise((resolve) => {
    const deadline = Date.now() + policy.timeoutMs;
    call(metadata, { deadline }, (error, response) => {
      resolve(error === null ? accept(response) : refusalOf(error, policy));
    });
  });
}

function refusalOf(error: ServiceError, policy: CallPolicy): Result<never> {
  const sent = error.metadata?.get(REASON_TRAILER)[0]?.toString();
  const reason = REASONS.find((name): name is Reason => name === sent);
  if (reason !== undefined) return refuse(reason, error.details);
  const silent = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  if (!silent) return refuse('OUTCOME_UNKNOWN', `${policy.service}: ${error.details}`);
  if (policy.changes === true) {
    return refuse('OUTCOME_UNKNOWN', `${policy.service} did not answer; it may have acted`);
  }
  return refuse('UNAVAILABLE', `${policy.service} does not answer`);
}

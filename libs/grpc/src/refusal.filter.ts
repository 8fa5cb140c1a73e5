import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { type Refusal, type Result, refuse } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { toGrpcError } from './status.js';

/** Carries a refusal from a controller to the filter below; nothing else throws it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(readonly refusal: Refusal) {
    super(`${refusal.reason}: ${refusal.detail}`);
  }
}

/** The value of a result, or a throw that the filter turns into the refusal's gRPC error. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new RefusedError(result);
  return result.value;
}

/** Turns refusals into gRPC errors with their reason; anything else is a bug or a dead dependency. */
@Catch()
export class RefusalFilter implements RpcExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => grpcErrorOf(error, this.logger));
  }
}

/** The gRPC error of anything thrown; an unknown error is logged and masked, and may be retried. */
export function grpcErrorOf(error: unknown, logger: Logger) {
  if (error instanceof RefusedError) return toGrpcError(error.refusal);
  logger.error({ err: error }, 'a request failed');
  return toGrpcError(
    refuse('OUTCOME_UNKNOWN', 'the request failed inside the ledger; repeat it with the same id'),
  );
}

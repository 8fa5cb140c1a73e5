import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Reason } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import type { Logger } from '#libs/observability';

/** HTTP status of the reasons; those that only gRPC callers meet are plain refusals here. */
const STATUS_OF: Partial<Readonly<Record<Reason, number>>> = {
  MALFORMED: 400,
  LIMIT_EXCEEDED: 413,
  UNAUTHENTICATED: 401,
  NOT_PERMITTED: 403,
  NOT_FOUND: 404,
  OVERLOADED: 429,
  OUTCOME_UNKNOWN: 502,
  UNAVAILABLE: 503,
};
const REFUSED = 409;

const REASON_OF_STATUS: Readonly<Record<number, Reason>> = {
  401: 'UNAUTHENTICATED',
  403: 'NOT_PERMITTED',
  404: 'NOT_FOUND',
  413: 'LIMIT_EXCEEDED',
  429: 'OVERLOADED',
};

/** Turns everything thrown into `{"reason","detail"}`; what nobody expected is logged and masked. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    const { status, body } = httpErrorOf(error, this.logger);
    void reply.status(status).header('cache-control', 'no-store').send(body);
  }
}

/** Status and JSON body of anything thrown. */
export function httpErrorOf(error: unknown, logger: Logger): { status: number; body: object } {
  if (error instanceof RefusedError) {
    const { reason, detail } = error.refusal;
    return { status: STATUS_OF[reason] ?? REFUSED, body: { reason, detail } };
  }
  // A failed readiness probe carries its checks, which must reach the prober as they are.
  const answer = error instanceof HttpException ? error.getResponse() : undefined;
  if (error instanceof HttpException && typeof answer === 'object' && 'checks' in answer) {
    return { status: error.getStatus(), body: answer };
  }
  const status = statusOf(error);
  if (status < 500) {
    const detail = error instanceof Error ? error.message : 'the request is not understood';
    return { status, body: { reason: REASON_OF_STATUS[status] ?? 'MALFORMED', detail } };
  }
  logger.error({ err: error }, 'a page request failed');
  const detail = 'the dashboard or its database failed; try again';
  return { status: 503, body: { reason: 'UNAVAILABLE', detail } };
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  // Fastify's own refusals (unreadable JSON, too long a body) carry their status.
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  return typeof status === 'number' && status >= 400 ? status : 500;
}

import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from '#libs/observability';
import { Access } from './http/access.js';
import { HttpErrorFilter } from './http/http-error.filter.js';
import { securityHeaders } from './http/security-headers.js';

/** Gives every answer its security headers, also errors and files, and every error its JSON form. */
export function configureHttp(logger: Logger): (app: NestFastifyApplication) => Promise<void> {
  return async (app) => {
    const headers = securityHeaders(app.get(Access).secure);
    app.useGlobalFilters(new HttpErrorFilter(logger));
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRequest', async (_request, reply) => {
        reply.headers(headers);
      });
  };
}

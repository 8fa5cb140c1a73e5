import type { FastifyRequest } from 'fastify';
import { refuse } from '#libs/domain';
import { RefusedError, unwrap } from '#libs/grpc';
import type { SessionService } from '../application/session.service.js';
import { csrfToken, sameSecret } from '../application/tokens.js';
import { clientAddress } from '../domain/client-address.js';
import type { Session } from '../domain/session.js';

/** Header that a page sends with every change. */
export const CSRF_HEADER = 'x-csrf-token';

/** How the page is reached. */
export type AccessOptions = {
  readonly sessions: SessionService;
  readonly httpPort: number;
  readonly publicOrigin: string | undefined;
  readonly proxyHops: number;
  readonly sessionMs: number;
};

/** Decides who a request comes from. Every method throws the refusal that the error filter sends. */
export class Access {
  readonly #options: AccessOptions;
  readonly secure: boolean;
  readonly #cookieName: string;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.secure = options.publicOrigin?.startsWith('https://') ?? false;
    // Browsers share cookies between the ports of a host, so two clusters on one machine need two names.
    const name = `swarmledger-${options.httpPort}`;
    this.#cookieName = this.secure ? `__Host-${name}` : name;
  }

  /** The session of a request that looks. */
  async viewer(request: FastifyRequest): Promise<Session> {
    return unwrap(await this.#options.sessions.find(this.sessionToken(request)));
  }

  /** The session of a request that changes something: from our page, proven by the CSRF header. */
  async actor(request: FastifyRequest): Promise<Session> {
    this.requireSameOrigin(request);
    const token = this.sessionToken(request);
    const session = unwrap(await this.#options.sessions.find(token));
    const given = request.headers[CSRF_HEADER];
    if (typeof given !== 'string' || !sameSecret(given, csrfToken(token ?? ''))) {
      throw new RefusedError(
        refuse('NOT_PERMITTED', `the header ${CSRF_HEADER} is missing or wrong`),
      );
    }
    if (session.remembered) {
      throw new RefusedError(
        refuse('UNAVAILABLE', 'the database does not answer; nothing was done'),
      );
    }
    return session;
  }

  /** Refuses what a browser sends on behalf of another site. */
  requireSameOrigin(request: FastifyRequest): void {
    const { origin, host } = request.headers;
    const wanted = this.#options.publicOrigin ?? `http://${host}`;
    if (origin !== undefined && origin !== wanted) {
      throw new RefusedError(refuse('NOT_PERMITTED', 'the request comes from another site'));
    }
  }

  sessionToken(request: FastifyRequest): string | undefined {
    const cookies = (request.headers.cookie ?? '').split(';').map((part) => part.trim());
    const prefix = `${this.#cookieName}=`;
    return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length);
  }

  /** The address that lock-outs and the audit name. */
  address(request: FastifyRequest): string {
    const forwarded = request.headers['x-forwarded-for'];
    const text = Array.isArray(forwarded) ? forwarded.join(',') : forwarded;
    return clientAddress(request.socket.remoteAddress ?? '', text, this.#options.proxyHops);
  }

  /** Set-Cookie that opens a session in the browser; without a token, that ends it. */
  cookie(token?: string): string {
    const lifetime = token === undefined ? 0 : Math.floor(this.#options.sessionMs / 1_000);
    const flags = `Path=/; Max-Age=${lifetime}; HttpOnly; SameSite=Strict`;
    return `${this.#cookieName}=${token ?? ''}; ${flags}${this.secure ? '; Secure' : ''}`;
  }
}

import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import { Access } from './access.js';
import type { Asset } from './assets.js';

/** Provider token of the page's files. */
export const ASSETS = Symbol('assets');

/** The files of the page. They hold no data: all of it comes from the API, behind the session. */
@Controller()
export class PageController {
  constructor(
    @Inject(ASSETS) private readonly assets: ReadonlyMap<string, Asset>,
    @Inject(Access) private readonly access: Access,
  ) {}

  @Get()
  async dashboard(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const signedIn = await this.access.viewer(request).then(
      () => true,
      // Without a database nobody can be told apart; the page itself then shows what is wrong.
      (error: unknown) => error instanceof RefusedError && error.refusal.reason === 'UNAVAILABLE',
    );
    if (signedIn) this.send('index.html', request, reply);
    else void reply.header('cache-control', 'no-store').redirect('/login', 303);
  }

  @Get('login')
  login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.send('login.html', request, reply);
  }

  @Get('assets/:name')
  file(
    @Param('name') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    this.send(`assets/${name}`, request, reply);
  }

  private send(path: string, request: FastifyRequest, reply: FastifyReply): void {
    const asset = this.assets.get(path);
    if (asset === undefined) throw new RefusedError(refuse('NOT_FOUND', 'there is no such file'));
    // Kept by the browser, but asked for each time: a new version is seen at once.
    void reply.header('cache-control', 'no-cache').header('etag', asset.etag).type(asset.type);
    if (request.headers['if-none-match'] === asset.etag) void reply.status(304).send();
    else void reply.send(asset.content);
  }
}

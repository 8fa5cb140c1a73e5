import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { unwrap } from '#libs/grpc';
import { SessionService } from '../application/session.service.js';
import { csrfToken } from '../application/tokens.js';
import { Access } from './access.js';
import { parseBody } from './parse-body.js';
import { StreamHub } from './stream-hub.js';

const loginShape = z.strictObject({ token: z.string().min(1) });

/** Signing in and out. */
@Controller('api/session')
export class SessionController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(Access) private readonly access: Access,
    @Inject(StreamHub) private readonly hub: StreamHub,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async login(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ role: string }> {
    this.access.requireSameOrigin(request);
    const { token } = parseBody(loginShape, body);
    const opened = unwrap(await this.sessions.login(token.trim(), this.access.address(request)));
    void reply.header('set-cookie', this.access.cookie(opened.token));
    return { role: opened.role };
  }

  @Get()
  @Header('cache-control', 'no-store')
  async who(@Req() request: FastifyRequest) {
    const { actor, role, expiresAtMs } = await this.access.viewer(request);
    const csrf = csrfToken(this.access.sessionToken(request) ?? '');
    return { actor, role, csrfToken: csrf, expiresAtMs: expiresAtMs.toString() };
  }

  @Delete()
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  async logout(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const session = await this.access.actor(request);
    await this.sessions.logout(session, this.access.address(request));
    this.hub.endSession(session.tokenHash.toString('hex'));
    void reply.header('set-cookie', this.access.cookie());
  }
}

import { Body, Controller, Get, Header, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RefusedError, unwrap } from '#libs/grpc';
import { SettlementService } from '../application/settlement.service.js';
import { SnapshotService } from '../application/snapshot.service.js';
import { toJson } from '../domain/snapshot.js';
import { Access } from './access.js';
import { parseBody } from './parse-body.js';
import { securityHeaders } from './security-headers.js';
import { StreamHub } from './stream-hub.js';

// The caller always says which of the two it wants: a forgotten field must not pay anybody.
const runShape = z.strictObject({ dryRun: z.boolean() });

/** What the page shows and does. */
@Controller('api')
export class DashboardController {
  constructor(
    @Inject(SnapshotService) private readonly snapshots: SnapshotService,
    @Inject(SettlementService) private readonly settlement: SettlementService,
    @Inject(Access) private readonly access: Access,
    @Inject(StreamHub) private readonly hub: StreamHub,
  ) {}

  @Get('snapshot')
  @Header('cache-control', 'no-store')
  @Header('content-type', 'application/json; charset=utf-8')
  async snapshot(@Req() request: FastifyRequest): Promise<string> {
    await this.access.viewer(request);
    return toJson(this.snapshots.current());
  }

  @Get('stream')
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const session = await this.access.viewer(request);
    unwrap(this.hub.room());
    // From here on the response is ours: fastify neither ends nor times it.
    reply.hijack();
    reply.raw.writeHead(200, {
      ...securityHeaders(this.access.secure),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const sessionKey = session.tokenHash.toString('hex');
    const stillAllowed = () => this.isAllowed(request);
    this.hub.add(reply.raw, { sessionKey, stillAllowed }, this.snapshots.current());
  }

  @Post('settlement/run')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('content-type', 'application/json; charset=utf-8')
  async runSettlement(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const session = await this.access.actor(request);
    const { dryRun } = parseBody(runShape, body);
    const address = this.access.address(request);
    const batches = unwrap(await this.settlement.run(session, address, dryRun));
    return toJson({ dryRun, batches });
  }

  private async isAllowed(request: FastifyRequest): Promise<boolean> {
    try {
      await this.access.viewer(request);
      return true;
    } catch (error) {
      // Only a clear no ends a page; an outage is what the page is there to show.
      return !(error instanceof RefusedError && error.refusal.reason === 'UNAUTHENTICATED');
    }
  }
}

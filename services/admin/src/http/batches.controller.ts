import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { unwrap } from '#libs/grpc';
import { BatchApprovalService } from '../application/batch-approval.service.js';
import { toJson } from '../domain/snapshot.js';
import { Access } from './access.js';
import { parseBody, words } from './parse-body.js';

const batchNumber = z
  .string()
  .regex(/^[1-9]\d{0,17}$/, 'expected a batch number')
  .transform(BigInt);

const batchShape = z.strictObject({ batchNo: batchNumber });

// The caller always says which of the two it wants: a forgotten field must neither pay nor refuse anybody.
const decisionShape = z.strictObject({
  batchNo: batchNumber,
  decision: z.enum(['approve', 'reject']),
  name: words(2, 64),
  reason: words(3, 256),
});

/** What operators do about large batches, which wait for them. */
@Controller('api/batches')
export class BatchesController {
  constructor(
    @Inject(BatchApprovalService) private readonly approvals: BatchApprovalService,
    @Inject(Access) private readonly access: Access,
  ) {}

  @Get(':batchNo/payees')
  @Header('cache-control', 'no-store')
  @Header('content-type', 'application/json; charset=utf-8')
  async payees(@Param('batchNo') text: string, @Req() request: FastifyRequest): Promise<string> {
    await this.access.viewer(request);
    const { batchNo } = parseBody(batchShape, { batchNo: text });
    return toJson({ payees: unwrap(await this.approvals.payees(batchNo)) });
  }

  @Post('decide')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('content-type', 'application/json; charset=utf-8')
  async decide(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const session = await this.access.actor(request);
    const { decision, ...asked } = parseBody(decisionShape, body);
    const order = { ...asked, approve: decision === 'approve' };
    const address = this.access.address(request);
    return toJson(unwrap(await this.approvals.decide(session, address, order)));
  }
}

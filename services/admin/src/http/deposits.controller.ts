import { Body, Controller, Header, HttpCode, Inject, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { unwrap } from '#libs/grpc';
import { DepositResolutionService } from '../application/deposit-resolution.service.js';
import { toJson } from '../domain/snapshot.js';
import { Access } from './access.js';
import { parseBody, words } from './parse-body.js';

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
  .transform((hex) => Buffer.from(hex, 'hex'));

// The caller always says which of the two it wants: a forgotten account must not dismiss anything.
const resolveShape = z
  .strictObject({
    resolutionId: hash,
    txid: hash,
    index: z.number().int().min(0),
    reason: words(3, 256),
    creditAccount: z.string().min(1).max(64).optional(),
    dismiss: z.literal(true).optional(),
  })
  .refine(({ creditAccount, dismiss }) => (creditAccount === undefined) === (dismiss === true), {
    message: 'either creditAccount or dismiss',
  });

/** What operators do about deposits that wait. */
@Controller('api/deposits')
export class DepositsController {
  constructor(
    @Inject(DepositResolutionService) private readonly deposits: DepositResolutionService,
    @Inject(Access) private readonly access: Access,
  ) {}

  @Post('resolve')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Header('content-type', 'application/json; charset=utf-8')
  async resolve(@Body() body: unknown, @Req() request: FastifyRequest): Promise<string> {
    const session = await this.access.actor(request);
    const { dismiss: _dismiss, ...asked } = parseBody(resolveShape, body);
    const decision = { ...asked, creditAccount: asked.creditAccount };
    const address = this.access.address(request);
    return toJson(unwrap(await this.deposits.resolve(session, address, decision)));
  }
}

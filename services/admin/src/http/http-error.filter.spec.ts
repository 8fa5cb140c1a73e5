import { NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { expect, test } from 'vitest';
import { REASONS, refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { httpErrorOf } from './http-error.filter.js';

const logger = createLogger({ name: 'test', level: 'silent' });
const fastifyError = Object.assign(new Error('Body is not valid JSON'), { statusCode: 400 });

test.each([
  ['a refusal', new RefusedError(refuse('OVERLOADED', 'wait')), 429, 'OVERLOADED', 'wait'],
  ['an unknown path', new NotFoundException('Cannot GET /x'), 404, 'NOT_FOUND', 'Cannot GET /x'],
  ['unreadable JSON', fastifyError, 400, 'MALFORMED', 'Body is not valid JSON'],
])('%s has a status, a reason and a text', (_case, error, status, reason, detail) => {
  expect(httpErrorOf(error, logger)).toEqual({ status, body: { reason, detail } });
});

test('what nobody expected is masked', () => {
  const answer = httpErrorOf(new Error('password=hunter2'), logger);
  expect(answer).toMatchObject({ status: 503, body: { reason: 'UNAVAILABLE' } });
  expect(JSON.stringify(answer)).not.toContain('hunter2');
});

test('a failed probe keeps its checks', () => {
  const report = { ready: false, checks: { database: 'no answer' } };
  expect(httpErrorOf(new ServiceUnavailableException(report), logger)).toEqual({
    status: 503,
    body: report,
  });
});

test('every reason is an error to the browser', () => {
  for (const reason of REASONS) {
    const { status } = httpErrorOf(new RefusedError(refuse(reason, '')), logger);
    expect(status).toBeGreaterThanOrEqual(400);
  }
});

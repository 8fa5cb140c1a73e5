import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { afterEach, expect, it, vi } from 'vitest';
import { scheduleOf } from './schedule.js';

afterEach(() => {
  vi.useRealTimers();
});

async function start(expression: string, task: () => Promise<void>) {
  class TestModule {}
  Module({ imports: [ScheduleModule.forRoot()], providers: [scheduleOf(expression, task)] })(
    TestModule,
  );
  const app = await NestFactory.createApplicationContext(TestModule, {
    logger: false,
    abortOnError: false,
  });
  await app.init();
  return app;
}

it('calls the task by the expression, one at a time', async () => {
  vi.useFakeTimers({ now: 1_700_000_000_500 });
  let running = 0;
  let calls = 0;
  const app = await start('*/2 * * * * *', async () => {
    calls += 1;
    running += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    running -= 1;
  });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(8_000);
  expect(calls).toBeGreaterThan(1);
  expect(calls).toBeLessThan(4);
  await app.close();
});

it('refuses an expression that names no time', async () => {
  await expect(start('61 * * * * *', async () => undefined)).rejects.toThrow();
});

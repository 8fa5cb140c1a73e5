import {
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  ServiceUnavailableException,
} from '@nestjs/common';
import { Health, type HealthReport } from './health.js';
import { Metrics } from './metrics.js';

/** Probes and metrics of one process. */
@Controller()
export class OpsController {
  constructor(
    @Inject(Health) private readonly health: Health,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Get('healthz')
  @HttpCode(200)
  live(): { alive: true } {
    return { alive: true };
  }

  @Get('readyz')
  async ready(): Promise<HealthReport> {
    const report = await this.health.report();
    if (!report.ready) throw new ServiceUnavailableException(report);
    return report;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  text(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}

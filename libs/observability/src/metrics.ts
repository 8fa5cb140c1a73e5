import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of one process. Names are `swarmledger_<what>_<unit>`. */
export class Metrics {
  readonly registry = new Registry();

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
    this.gauge('build_info', 'Version of the running code', ['version']).set(
      { version: version() },
      1,
    );
  }

  counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({
      name: `swarmledger_${name}`,
      help,
      labelNames,
      registers: [this.registry],
    });
  }

  gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `swarmledger_${name}`, help, labelNames, registers: [this.registry] });
  }

  histogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({
      name: `swarmledger_${name}`,
      help,
      buckets,
      labelNames,
      registers: [this.registry],
    });
  }
}

function version(): string {
  const path = findPackageJSON('..', import.meta.url);
  if (path === undefined) return 'unknown';
  return (JSON.parse(readFileSync(path, 'utf8')) as { version?: string }).version ?? 'unknown';
}

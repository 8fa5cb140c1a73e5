import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../deploy/checks/src/tools.js';

const read = (path: string) => readFileSync(join(ROOT, 'deploy', path), 'utf8');
const SERVICES = ['ingest', 'balance', 'auction', 'settlement', 'admin'];

type Panel = {
  id: number;
  title: string;
  targets?: { expr: string; datasource: { uid: string } }[];
};
type Rule = {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string };
};

const dashboard = JSON.parse(read('grafana/dashboards/swarmledger.json')) as { panels: Panel[] };
const rules = (
  parse(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const expressions = [
  ...dashboard.panels.flatMap((panel) => panel.targets ?? []).map((target) => target.expr),
  ...rules.map((rule) => rule.expr),
];

/** Names of our metrics as the sources register them: the first text after counter(, gauge( or histogram(. */
function registeredMetrics(): Set<string> {
  const files = globSync(['services/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: ROOT });
  const names = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [...text.matchAll(/\.(?:counter|gauge|histogram)\(\s*'([a-z_]+)'/g)].map(([, n]) => n);
  });
  return new Set(names.map((name) => `swarmledger_${name}`));
}

describe('dashboard and alerts', () => {
  it('ask only for metrics that a service registers', () => {
    const registered = registeredMetrics();
    const asked = expressions.flatMap((text) => text.match(/swarmledger_[a-z_]+/g) ?? []);
    expect(asked.length).toBeGreaterThan(15);
    for (const name of asked) {
      expect(registered, name).toContain(name.replace(/_(bucket|sum|count)$/, ''));
    }
  });

  it('close every bracket', () => {
    for (const text of expressions) {
      for (const [open, close] of ['()', '[]', '{}']) {
        expect(text.split(open ?? '').length, text).toBe(text.split(close ?? '').length);
      }
    }
  });

  it('give every panel its own number and the provisioned data source', () => {
    const ids = dashboard.panels.map((panel) => panel.id);
    expect(new Set(ids).size).toBe(ids.length);
    const source = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { uid: string }[];
    };
    const uids = dashboard.panels.flatMap((p) => p.targets ?? []).map((t) => t.datasource.uid);
    expect(new Set(uids)).toEqual(new Set(source.datasources.map(({ uid }) => uid)));
  });

  it('tell a person what is wrong and how urgent it is', () => {
    for (const rule of rules) {
      expect(['page', 'warn'], rule.alert).toContain(rule.labels.severity);
      expect(rule.annotations.summary.length, rule.alert).toBeGreaterThan(10);
    }
  });
});

describe('prometheus.yml', () => {
  it('scrapes the operations port of every service', () => {
    const config = parse(read('prometheus/prometheus.yml')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; port: number }[] }[];
    };
    const [job] = config.scrape_configs.filter(({ job_name }) => job_name === 'swarmledger');
    expect(job?.dns_sd_configs).toEqual([expect.objectContaining({ names: SERVICES, port: 8080 })]);
    expect(config.rule_files).toEqual(['/etc/prometheus/alerts.yml']);
  });
});

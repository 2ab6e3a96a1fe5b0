import { expect } from 'chai';
import { readFileSync } from 'node:fs';

import { FIGURES } from '../../../src/api/metrics/figures.js';
import { OwnMetrics } from '../../../src/api/metrics/own.js';
import { processMetrics } from '../../../src/process/metrics.js';
import { timingTasks } from '../../../src/process/metrics-tasks.js';

interface Row {
  name: string;
  type: string;
  labels: string[];
  help: string;
}

/** What the library keeps of a metric, beside what its typings tell. */
interface Kept {
  name: string;
  help: string;
  type: string;
  labelNames: string[];
}

describe('docs/operating.md', () => {
  const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([a-z_, ]*?) ?\| (.+) \|$/gm)].map(
    ([, name = '', type = '', labels = '', help = '']): Row => ({
      name,
      type,
      labels: labels === '' ? [] : labels.split(', '),
      help,
    }),
  );
  const own = (registry: { getMetricsAsArray(): unknown }): Row[] => {
    const types = { Counter: 'counter', Gauge: 'gauge', Histogram: 'histogram' } as Record<string, string>;
    return (registry.getMetricsAsArray() as (Kept & object)[]).map(metric => ({
      name: metric.name,
      type: types[metric.constructor.name] ?? '?',
      labels: metric.labelNames,
      help: metric.help,
    }));
  };

  it('has a row for every metric, and for nothing else', () => {
    const versions = { interlock: '0', node: '0' };
    const worker = processMetrics(versions);
    timingTasks(worker);
    const told: Row[] = [
      ...FIGURES.map(({ name, type, labels, help }) => ({ name, type, labels: [...labels], help })),
      ...own(new OwnMetrics(versions).registry),
      ...own(worker).filter(({ name }) => name === 'interlock_task_run_duration_seconds'),
    ];
    const byName = (a: Row, b: Row): number => a.name.localeCompare(b.name);
    expect(rows.sort(byName)).to.deep.equal(told.sort(byName));
  });

  it('alerts on metrics that there are', () => {
    const known = new Set(rows.map(({ name }) => name));
    const alerts = page.slice(page.indexOf('## Alerts'), page.indexOf('## When something'));
    const named = [...alerts.matchAll(/interlock_[a-z_]+/g)].map(([name]) => name);
    expect(named).to.have.length.greaterThan(10);
    expect(named.filter(name => !known.has(name))).to.deep.equal([]);
  });
});

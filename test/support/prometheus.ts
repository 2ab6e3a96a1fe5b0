/** Reads the text format 0.0.4 of Prometheus, and throws at the first thing that is not as the format and its naming conventions want it. */

export interface Metric {
  name: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary';
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const SUFFIXES: Readonly<Record<Metric['type'], readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

export function parseMetrics(text: string): Map<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const metrics = new Map<string, Metric>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let current: Metric | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      help = { name, text: rest };
    } else if (word === 'TYPE') {
      if (help?.name !== name) throw new Error(`${name}: TYPE without HELP right before it`);
      current = begun(metrics, name, rest, help.text);
    } else if (line.startsWith('#')) {
      throw new Error(`a comment: ${line}`);
    } else {
      sampled(current, line, seen);
    }
  }
  for (const metric of metrics.values()) checkHistogram(metric);
  return metrics;
}

function begun(metrics: Map<string, Metric>, name: string, type: string, help: string): Metric {
  if (metrics.has(name)) throw new Error(`${name} comes twice`);
  if (!NAME.test(name)) throw new Error(`${name} is no name`);
  if (!Object.hasOwn(SUFFIXES, type)) throw new Error(`${name}: ${type} is no type`);
  if ((type === 'counter') !== name.endsWith('_total'))
    throw new Error(`${name} is a ${type}: only counters end in _total, and all do`);
  if (/_(milliseconds|ms|minutes|kib|mib|percent)(_|$)/i.test(name)) throw new Error(`${name}: no base unit`);
  const metric: Metric = { name, type: type as Metric['type'], help, samples: [] };
  metrics.set(name, metric);
  return metric;
}

function sampled(metric: Metric | undefined, line: string, seen: Set<string>): void {
  const [, name, labelText = '', value] = LINE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  if (!metric || !SUFFIXES[metric.type].some(suffix => metric.name + suffix === name))
    throw new Error(`${name} stands under ${metric?.name ?? 'nothing'}`);
  const labels = labelsOf(labelText, line);
  const series = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
  if (seen.has(series)) throw new Error(`the series comes twice: ${line}`);
  seen.add(series);
  const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
  if (metric.type === 'counter' && !(number >= 0)) throw new Error(`a counter below 0: ${line}`);
  metric.samples.push({ name, labels, value: number });
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== '';) {
    const [whole, name, value = ''] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name === undefined) throw new Error(`bad labels: ${line}`);
    if (name in labels) throw new Error(`the label ${name} comes twice: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** Buckets grow, and the last one is the count. */
function checkHistogram({ name, type, samples }: Metric): void {
  if (type !== 'histogram') return;
  const series = new Map<string, { le: number; value: number }[]>();
  for (const sample of samples.filter(each => each.name === `${name}_bucket`)) {
    const { le, ...labels } = sample.labels;
    if (le === undefined) throw new Error(`${name}: a bucket without le`);
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), { le: le === '+Inf' ? Infinity : Number(le), value: sample.value }]);
  }
  for (const [key, buckets] of series) {
    const grows = buckets.every(({ le, value }, n) => n === 0 || (le > buckets[n - 1]!.le && value >= buckets[n - 1]!.value));
    const count = samples.find(each => each.name === `${name}_count` && JSON.stringify(each.labels) === key);
    if (!grows || buckets.at(-1)?.le !== Infinity || buckets.at(-1)?.value !== count?.value)
      throw new Error(`${name}: the buckets of ${key} are no histogram`);
  }
}

/** The value of one series; undefined where there is none. */
export function valueOf(
  metrics: ReadonlyMap<string, Metric>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const samples = metrics.get(name)?.samples ?? [];
  return samples.find(each => Object.entries(labels).every(([label, value]) => each.labels[label] === value))?.value;
}

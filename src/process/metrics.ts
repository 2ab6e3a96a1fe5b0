import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/**
 * Of what the library knows of a process. The rest is of no use to an operator, or is named against the conventions. Some of these fill in others
 * (`process_cpu_user_seconds_total` the sum, `nodejs_heap_size_total_bytes` what is used): a test looks whether each has a value.
 */
const KEPT = new Set([
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_gc_duration_seconds',
]);

/** `process_*` and `nodejs_*` of this process, and which release it is. */
export function processMetrics(versions: { interlock: string; node: string }): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) if (!KEPT.has(name)) registry.removeSingleMetric(name);
  new Gauge({
    name: 'interlock_build_info',
    help: 'Always 1; its labels say which release runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: versions.interlock, node: versions.node }, 1);
  return registry;
}

/**
 * Label values that cannot grow without a bound: the first `most` different ones keep their names, all later ones are `other`. A task type is in the end
 * whatever a client writes.
 */
export function boundedLabel(most: number): (value: string) => string {
  const known = new Set<string>();
  return value => {
    if (known.size < most) known.add(value);
    return known.has(value) ? value : 'other';
  };
}

/** So many task types have a name of their own. */
export const MAX_TYPES = 100;

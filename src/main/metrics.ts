import { ConfigError } from '../config/config-error.js';
import { processMetrics } from '../process/metrics.js';
import { MetricsServer } from '../process/metrics-server.js';
import type { Service } from '../process/service.js';
import type { Parts } from './compose.js';

export interface RoleMetrics {
  registry: ReturnType<typeof processMetrics>;
  /** Does nothing where no port is set. */
  server: Service;
}

/** Metrics of a role that is not the API, whose own they are; what it counts is told by the API. Undefined: none are wanted. */
export function metricsOf({ config, logger, versions }: Parts): RoleMetrics | undefined {
  const { host, port } = config.metrics;
  if (port === 0) return undefined;
  const registry = processMetrics(versions);
  const server = new MetricsServer({ host, port, registry, log: logger });
  const start = async (): Promise<void> => {
    try {
      await server.start();
    } catch (error) {
      const detail = `${host}:${port} cannot be had (${(error as NodeJS.ErrnoException).code ?? String(error)}): expected a free port for each process`;
      throw new ConfigError([{ key: 'metrics.port', source: 'INTERLOCK_METRICS_PORT', detail }]);
    }
  };
  return { registry, server: { name: server.name, start, stop: () => server.stop() } };
}

/** In the lists of what is started and stopped. */
export function serviceOf(metrics: RoleMetrics | undefined): Service[] {
  return metrics ? [metrics.server] : [];
}

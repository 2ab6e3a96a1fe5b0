import { Api } from '../api/api.js';
import { OpenBind } from '../api/bind.js';
import type { ApiDeps, ApiSettings } from '../api/context.js';
import { DEFAULT_EVENT_LIMITS } from '../api/events/limits.js';
import { OwnMetrics } from '../api/metrics/own.js';
import { ConfigError } from '../config/config-error.js';
import type { Task } from '../core/task.js';
import { Acceptor } from '../dispatch/accept.js';
import { Acceptance, heeding } from '../dispatch/acceptance.js';
import { cancelGroup, cancelTask, cancelTree } from '../dispatch/cancel.js';
import { Dependents } from '../dispatch/dependents.js';
import { Events } from '../dispatch/events.js';
import { Hints } from '../dispatch/hints.js';
import { limited, OpenTasks } from '../dispatch/open-limit.js';
import { fastifyLogger } from '../process/fastify-logger.js';
import type { Service } from '../process/service.js';
import { compose, type Parts } from './compose.js';
import { pluginRoutes } from './plugin-routes.js';
import { presenceOf, STOP_MS } from './presence.js';
import { serve } from './serve.js';
import { apiTls } from './tls.js';
import { loadTypes } from './task-modules.js';

export interface ApiFlags {
  name?: string;
  host?: string;
  port?: number;
  /** Any free port will do where that one is taken. */
  orAnyPort?: boolean;
}

/** `interlock api`: the REST API. */
export async function runApi(flags: ApiFlags): Promise<never> {
  const parts = await compose('api', flags);
  const { config, logger, name, database, messages, asked } = parts;
  const { auditSeconds } = config.retention;
  const settings = { ...config.api, auditSeconds, host: flags.host ?? config.api.host, port: flags.port ?? config.api.port };
  const presence = presenceOf('api', parts);
  const tls = apiTls(config);
  if (tls) parts.certificates.add(tls);
  const api = new Api({ ...(await dependencies(parts, settings)), tls });
  return serve(
    {
      logger,
      // It listens last: a request finds everything that it needs.
      start: [database, messages, presence, listening(api, settings, flags.orAnyPort ?? false)],
      // It stops listening first, and lets go whoever waits.
      stop: [api, presence, messages, database],
      stopWithinMs: STOP_MS,
      ready: () => ({
        role: 'api',
        name,
        detail: `${name} listens on ${api.url ?? ''}`,
        ...(api.url !== undefined && { url: api.url }),
      }),
    },
    asked,
  );
}

async function dependencies(parts: Parts, settings: ApiSettings): Promise<ApiDeps> {
  const { store, broker, runtime, logger, versions, config, tally } = parts;
  const hints = new Hints(broker, runtime.clock);
  const events = new Events({ broker, tasks: store.tasks, clock: runtime.clock, log: logger });
  const acceptance = new Acceptance({ maintenance: store.maintenance, clock: runtime.clock });
  const metrics = new OwnMetrics(versions);
  const accepted = ({ name }: Task): void => {
    tally.up('tasksAccepted');
    metrics.accepted(name);
  };
  const { openTasks: limit } = settings.limits;
  const refused = (): void => metrics.refused('open-tasks');
  const open = new OpenTasks({ tasks: store.tasks, clock: runtime.clock, log: logger, limit, refused });
  const acceptor = limited(heeding(new Acceptor({ tasks: store.tasks, hints, events, accepted }), acceptance), open);
  const types = await loadTypes(config);
  const dependents = new Dependents({ tasks: store.tasks, joins: store.joins, hints, events, log: logger });
  const canceling = { tasks: store.tasks, groups: store.groups, hints, events, dependents, broker };
  return {
    store,
    broker,
    acceptor,
    acceptance,
    cancel: (id, by) => cancelTask(canceling, id, by),
    cancelTree: (id, by) => cancelTree(canceling, id, by),
    cancelGroup: (id, by) => cancelGroup(canceling, id, by),
    types,
    runtime,
    log: logger,
    loggerInstance: fastifyLogger(logger),
    settings,
    plugins: pluginRoutes(parts, { acceptor, types }),
    version: versions.interlock,
    eventLimits: DEFAULT_EVENT_LIMITS,
    metrics,
  };
}

/** An address that cannot be had is a fault of the settings, too. */
export function listening(
  api: Pick<Api, 'name' | 'start' | 'stop'>,
  settings: { host: string; port: number },
  orAnyPort: boolean,
): Service {
  const start = async (): Promise<void> => {
    try {
      await api.start();
    } catch (error) {
      if (error instanceof OpenBind)
        throw new ConfigError([{ key: error.key, source: 'INTERLOCK_API_HOST or --host', detail: error.message }]);
      const { code = '' } = error as NodeJS.ErrnoException;
      const why = REASONS[code];
      if (why === undefined) throw error;
      if (code !== 'EADDRINUSE' || !orAnyPort || settings.port === 0) {
        const detail = `${settings.host}:${settings.port} ${why}`;
        throw new ConfigError([{ key: 'api.port', source: 'INTERLOCK_API_PORT or --port', detail }]);
      }
      settings.port = 0;
      await start();
    }
  };
  return { name: api.name, start, stop: () => api.stop() };
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process: expected a free port (0 takes any)',
  EACCES: 'is not open to this user: expected a port above 1023',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no known host',
};

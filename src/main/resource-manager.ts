import { ResourceManager } from '../resource-manager/resource-manager.js';
import { compose } from './compose.js';
import { metricsOf, serviceOf } from './metrics.js';
import { presenceOf, STOP_MS, trustedIncarnation } from './presence.js';
import { quarantineOf } from './quarantine.js';
import { serve } from './serve.js';

/** `interlock resource-manager`: grants reservations while it leads, stands by otherwise. */
export async function runResourceManager(flags: { name?: string }): Promise<never> {
  const parts = await compose('resource-manager', flags);
  const { store, broker, runtime, logger, config, name, database, messages, asked } = parts;
  const presence = presenceOf('resource-manager', parts);
  const manager = new ResourceManager({
    store,
    broker,
    runtime,
    log: logger,
    timing: config.timing,
    name,
    incarnation: trustedIncarnation(presence),
    assignment: config.assignment,
    onMissing: config.workers.onMissing,
    count: parts.tally.up,
  });
  const quarantine = quarantineOf(parts);
  const metrics = metricsOf(parts);
  return serve(
    {
      logger,
      // Nobody leads who is not registered; the broker comes first so that the first grant already finds its way.
      start: [database, messages, presence, manager, quarantine, ...serviceOf(metrics)],
      // The lease is resigned while there still is a database to resign it in, and before the goodbye that it depends on.
      stop: [...serviceOf(metrics), quarantine, manager, presence, messages, database],
      stopWithinMs: STOP_MS,
      ready: () => ({ role: 'resource-manager', name, detail: `${name} grants reservations when it leads.` }),
    },
    asked,
  );
}

import { Beat } from '../beat/beat.js';
import type { Config } from '../config/schema.js';
import type { Retention } from '../core/retention.js';
import { CronTicks } from '../beat/cron-ticks.js';
import { compose } from './compose.js';
import { metricsOf, serviceOf } from './metrics.js';
import { presenceOf, STOP_MS, trustedIncarnation } from './presence.js';
import { quarantineOf } from './quarantine.js';
import { serve } from './serve.js';
import { submitting } from './submitting.js';
import { loadTypes } from './task-modules.js';

function retentionOf({ retention }: Config): Retention {
  return {
    completed: retention.completedSeconds * 1_000,
    failed: retention.failedSeconds * 1_000,
    canceled: retention.canceledSeconds * 1_000,
    skipped: retention.skippedSeconds * 1_000,
    results: retention.resultsSeconds * 1_000,
  };
}

/** `interlock beat`: sweeps always, creates the tasks of schedules while it leads. */
export async function runBeat(flags: { name?: string }): Promise<never> {
  const parts = await compose('beat', flags);
  const { store, broker, runtime, logger, config, name, database, messages, asked } = parts;
  const presence = presenceOf('beat', parts);
  const submit = submitting(parts, await loadTypes(config));
  const beat = new Beat({
    store,
    broker,
    runtime,
    log: logger,
    timing: config.timing,
    name,
    incarnation: trustedIncarnation(presence),
    ticks: new CronTicks(),
    onMissing: config.workers.onMissing,
    retentionMs: config.workers.missingRetentionSeconds * 1_000,
    retention: retentionOf(config),
    count: parts.tally.up,
    submit: (body, schedule) => submit(body, { principal: 'schedule', correlationId: runtime.random.id(), schedule }),
  });
  const quarantine = quarantineOf(parts);
  const metrics = metricsOf(parts);
  return serve(
    {
      logger,
      // Nobody leads who is not registered.
      start: [database, messages, presence, beat, quarantine, ...serviceOf(metrics)],
      // The lease is resigned while there still is a database to resign it in, and before the goodbye that it depends on.
      stop: [...serviceOf(metrics), quarantine, beat, presence, messages, database],
      stopWithinMs: STOP_MS,
      ready: () => ({ role: 'beat', name, detail: `${name} sweeps, and creates the tasks of schedules when it leads.` }),
    },
    asked,
  );
}

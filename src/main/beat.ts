import { Beat } from '../beat/beat.js';
import { CronTicks } from '../beat/cron-ticks.js';
import { compose } from './compose.js';
import { presenceOf, STOP_MS, trustedIncarnation } from './presence.js';
import { quarantineOf } from './quarantine.js';
import { serve } from './serve.js';
import { submitting } from './submitting.js';
import { loadTypes } from './task-modules.js';

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
    submit: (body, schedule) => submit(body, { principal: 'schedule', correlationId: runtime.random.id(), schedule }),
  });
  const quarantine = quarantineOf(parts);
  return serve(
    {
      logger,
      // Nobody leads who is not registered.
      start: [database, messages, presence, beat, quarantine],
      // The lease is resigned while there still is a database to resign it in, and before the goodbye that it depends on.
      stop: [quarantine, beat, presence, messages, database],
      stopWithinMs: STOP_MS,
      ready: () => ({ role: 'beat', name, detail: `${name} sweeps, and creates the tasks of schedules when it leads.` }),
    },
    asked,
  );
}

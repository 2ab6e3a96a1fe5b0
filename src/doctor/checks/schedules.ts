import { isPausedByFailures, MISFIRE_GRACE_MS } from '../../core/schedule.js';
import { span } from '../../core/span.js';
import { ofRecords, quoted, type Check } from '../check.js';

/** After one, two and four seconds: a refusal that lasts. */
const LASTING_TRIES = 3;

export const SCHEDULE_CHECKS: readonly Check[] = [
  ofRecords(
    { name: 'schedule-overdue', severity: 'error', about: 'A slot of a schedule has passed and no beat has decided about it.' },
    ({ schedules, now, sweepMs }) =>
      schedules.flatMap(({ name, nextAt, paused, pending }) => {
        const lateMs = nextAt ? now.getTime() - nextAt.getTime() : 0;
        if (paused || pending || lateMs <= Math.max(MISFIRE_GRACE_MS, 6 * sweepMs)) return [];
        const evidence = `${quoted(name)} was due ${span(lateMs)} ago.`;
        return [{ evidence, remedy: 'interlock beat (one has to lead); its misfire policy decides about what has passed' }];
      }),
  ),
  ofRecords(
    { name: 'schedule-refused', severity: 'error', about: 'The task of a schedule is refused again and again.' },
    ({ schedules }) =>
      schedules
        .filter(({ pending }) => (pending?.tries ?? 0) >= LASTING_TRIES)
        .map(({ name, pending }) => ({
          evidence: `${quoted(name)}: its task was refused ${pending?.tries ?? 0} times; the log of the leading beat says why.`,
          remedy: `interlock schedule run '${name}' tells it, too; then: interlock schedule edit '${name}'`,
        })),
  ),
  ofRecords(
    {
      name: 'schedule-paused-by-failures',
      severity: 'warning',
      about: 'A schedule has paused itself because its last runs all failed.',
    },
    ({ schedules, now }) =>
      schedules.filter(isPausedByFailures).map(({ name, paused }) => ({
        evidence: `${quoted(name)}, ${span(now.getTime() - (paused?.at.getTime() ?? 0))} ago: ${paused?.reason ?? ''}`,
        remedy: `interlock task show ID, then: interlock schedule resume '${name}'`,
      })),
  ),
];

import { COUNTS, type Count } from '../../core/counts.js';
import type { ProcessRecord, Role } from '../../core/process.js';
import { WAITING_FOR } from '../../core/state.js';
import { COUNTED } from './counted.js';
import type { Fleet } from './fleet.js';

export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string>>;
}

/** One metric of the deployment, and how its values come from what was read. */
export interface Figure {
  name: string;
  type: 'gauge' | 'counter';
  labels: readonly string[];
  help: string;
  samples: (fleet: Fleet) => Sample[];
}

const ROLES: readonly Role[] = ['api', 'resource-manager', 'worker', 'beat'];
const OF_PROCESS = ['role', 'name'] as const;

const gauge = (name: string, help: string, labels: readonly string[], samples: Figure['samples']): Figure => ({
  ...{ name: `interlock_${name}`, type: 'gauge', labels, help, samples },
});

const secondsSince = (since: Date | undefined, now: Date): number =>
  since ? Math.max(0, (now.getTime() - since.getTime()) / 1_000) : 0;

const isLive = ({ state, leaseUntil }: ProcessRecord, now: Date): boolean => state === 'live' && leaseUntil > now;

/** Of live ones: slots that a dead worker had are no slots. */
function ofProcesses(fleet: Fleet, value: (process: ProcessRecord) => number | undefined): Sample[] {
  return fleet.processes.flatMap(process => {
    const one = isLive(process, fleet.backlog.now) ? value(process) : undefined;
    return one === undefined ? [] : [{ value: one, labels: { role: process.role, name: process.name } }];
  });
}

function ofWorkers(fleet: Fleet, value: (process: ProcessRecord) => number | undefined): Sample[] {
  const workers = fleet.processes.filter(({ role }) => role === 'worker');
  return ofProcesses({ ...fleet, processes: workers }, value).map(({ value: n, labels }) => ({
    value: n,
    labels: { name: labels?.name ?? '' },
  }));
}

function openTasks({ backlog }: Fleet): Sample[] {
  const waiting = WAITING_FOR.map(what => ({ value: backlog.waiting[what], labels: { state: 'waiting', waiting_for: what } }));
  const active = (['running', 'canceling'] as const).map(state => ({
    value: backlog[state],
    labels: { state, waiting_for: '' },
  }));
  return [...waiting, ...active];
}

function byRole({ processes, backlog }: Fleet): Sample[] {
  return ROLES.flatMap(role => {
    const own = processes.filter(process => process.role === role);
    const live = own.filter(process => isLive(process, backlog.now)).length;
    return [
      { value: live, labels: { role, state: 'live' } },
      { value: own.length - live, labels: { role, state: 'missing' } },
    ];
  });
}

function leaders({ leases, processes }: Fleet): Sample[] {
  return (['resource-manager', 'beat'] as const).map(role => {
    const lease = leases[role];
    const leads = lease?.live === true && processes.some(({ incarnation }) => incarnation === lease.incarnation);
    return { value: leads ? 1 : 0, labels: { role } };
  });
}

const GAUGES: readonly Figure[] = [
  gauge(
    'tasks_open',
    'Tasks that have not ended, by state and by what waiting ones wait for; each is counted up to 100000.',
    ['state', 'waiting_for'],
    openTasks,
  ),
  gauge(
    'oldest_ready_age_seconds',
    'How long that task could have been started which could longest; 0 without one.',
    [],
    ({ backlog }) => [{ value: secondsSince(backlog.readySince, backlog.now) }],
  ),
  gauge(
    'oldest_blocked_age_seconds',
    'How long that task stands in line for its resources which does longest; 0 without one.',
    [],
    ({ backlog }) => [{ value: secondsSince(backlog.blockedSince, backlog.now) }],
  ),
  gauge(
    'schedule_lag_seconds',
    'How late the earliest slot of a schedule is that has made no task; 0 without one.',
    [],
    fleet => [{ value: fleet.scheduleLagSeconds }],
  ),
  gauge('maintenance', '1 while no new tasks are taken.', [], ({ maintenance }) => [{ value: maintenance ? 1 : 0 }]),
  gauge('queue_messages', 'Hints in a queue of RabbitMQ.', ['queue'], ({ queues }) =>
    queues.map(({ name, messages }) => ({ value: messages, labels: { queue: name } })),
  ),
  gauge('queue_consumers', 'Consumers of a queue of RabbitMQ.', ['queue'], ({ queues }) =>
    queues.map(({ name, consumers }) => ({ value: consumers, labels: { queue: name } })),
  ),
  gauge('processes', 'Processes by role; one whose lease has lapsed is missing.', ['role', 'state'], byRole),
  gauge('leaders', '1 while a live process leads as this role.', ['role'], leaders),
  gauge('process_heartbeat_age_seconds', 'Time since the last heartbeat.', OF_PROCESS, fleet =>
    ofProcesses(fleet, ({ beatAt }) => secondsSince(beatAt, fleet.backlog.now)),
  ),
  gauge('process_resident_bytes', 'Resident memory at the last heartbeat, without children.', OF_PROCESS, fleet =>
    ofProcesses(fleet, ({ vitals }) => vitals?.residentBytes),
  ),
  gauge('process_loop_delay_seconds', 'How late timers were before the last heartbeat (99th percentile).', OF_PROCESS, fleet =>
    ofProcesses(fleet, ({ vitals }) => vitals?.loopDelaySeconds),
  ),
  gauge('worker_slots', 'Tasks that a worker runs at a time.', ['name'], fleet => ofWorkers(fleet, ({ slots }) => slots)),
  gauge('worker_slots_busy', 'Slots with a task at the last heartbeat.', ['name'], fleet =>
    ofWorkers(fleet, ({ stats }) => stats?.busy),
  ),
  gauge('worker_paused', '1 while a worker was asked to take nothing.', ['name'], fleet =>
    ofWorkers(fleet, ({ paused }) => (paused ? 1 : 0)),
  ),
  gauge('worker_children_resident_bytes', "Resident memory of a worker's children at the last heartbeat.", ['name'], fleet =>
    ofWorkers(fleet, ({ stats }) => (stats?.childrenMiB === null || !stats ? undefined : stats.childrenMiB * 1_048_576)),
  ),
];

/** Counts that share a name are one metric with a label more. */
function counters(): Figure[] {
  const byName = new Map<string, Count[]>();
  for (const count of COUNTS) byName.set(COUNTED[count].name, [...(byName.get(COUNTED[count].name) ?? []), count]);
  return [...byName].map(([name, counts]) => {
    const [first] = counts as [Count];
    const samples = (fleet: Fleet): Sample[] =>
      counts.flatMap(count =>
        ofProcesses(fleet, process => process.counts && (process.counts[count] ?? 0)).map(({ value, labels }) => ({
          value,
          labels: { ...labels, ...COUNTED[count].labels },
        })),
      );
    const labels = [...OF_PROCESS, ...Object.keys(COUNTED[first].labels ?? {})];
    return { name, type: 'counter', labels, help: COUNTED[first].help, samples };
  });
}

/** In this order they are told. */
export const FIGURES: readonly Figure[] = [
  ...GAUGES,
  ...counters(),
  {
    ...{ name: 'interlock_process_cpu_seconds_total', type: 'counter', labels: OF_PROCESS },
    help: 'Processor time of a process, without children, at its last heartbeat.',
    samples: fleet => ofProcesses(fleet, ({ vitals }) => vitals?.cpuSeconds),
  },
];

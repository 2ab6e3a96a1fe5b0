import type { Rate } from '../../src/core/rate.js';
import type { OnMissing } from '../../src/core/process.js';
import { JOINS, type Join } from '../../src/core/join.js';
import { drawCalls, type CallsPlan } from './calls.js';
import type { Retention } from '../../src/core/retention.js';
import { Chance } from './chance.js';
import type { Failpoint } from './failpoints.js';
import { CALM, type Climate } from './climate.js';
import { drawFaults, type Fault } from './scenario-faults.js';
import { drawLines, withLines, type Counting, type LinesPlan } from './scenario-lines.js';
import { drawSchedule, type SchedulePlan } from './schedule.js';
import { drawSteering, type CommandPlan } from './steering.js';

/** One task that a client wants done. Times in simulated milliseconds from the beginning of the run. */
export interface TaskPlan extends Counting {
  label: string;
  atMs: number;
  /** Asked for only when this one has been answered: then the order of the two is beyond doubt. */
  follows?: string;
  exclusive: string[];
  shared: string[];
  /** How long its body runs. */
  ms: number;
  /** `flaky`: its first start fails. */
  ends: 'completes' | 'fails' | 'dies' | 'flaky';
  requeue: boolean;
  /** What fails is tried again. */
  retry?: { delayMs: number; hold: boolean };
  priority: number;
  queue: string;
  /** At most one open task with this key. */
  unique?: string;
  /** Starts only at its turn under this limit. */
  rate?: Rate;
  /** Asks once and without a key: whether it was accepted, its client may never know. */
  once: boolean;
  delayMs?: number;
  expiresMs?: number;
  cancelAtMs?: number;
  calls?: CallsPlan;
}

/** Tasks that come after one another, submitted together. */
export interface WorkflowPlan {
  label: string;
  atMs: number;
  members: (Pick<TaskPlan, 'exclusive' | 'ms' | 'ends' | 'retry' | 'requeue'> & { after: number[]; join: Join })[];
}

export interface HintClimate {
  lost: number;
  twice: number;
  late: number;
}

/** Everything that decides a run. */
export interface Scenario {
  seed: number;
  /** `asyncWorkers`: so many of the workers run all their tasks in one child process. */
  processes: { apis: number; managers: number; workers: number; asyncWorkers: number; beats: number; slots: number };
  /** So many bodies of a worker may wait for others. */
  maxAwaiting: number;
  assignment: 'late' | 'eager';
  onMissing: OnMissing;
  dedicated: boolean;
  schedule: SchedulePlan | undefined;
  tasks: TaskPlan[];
  lines: LinesPlan;
  workflows: WorkflowPlan[];
  commands: CommandPlan[];
  /** Workers that have only some of the types, and of others an older version. */
  lacking: string[];
  climate: Climate;
  hints: HintClimate;
  faults: Fault[];
  failpoints: Failpoint[];
  /** All zero: nothing is forgotten. */
  retention: Retention;
  /** Faults and bad weather end here. */
  calmFromMs: number;
}

export function namesOf({ processes, dedicated }: Pick<Scenario, 'processes' | 'dedicated'>): { role: Role; name: string }[] {
  const some = (role: Role, count: number): { role: Role; name: string }[] =>
    Array.from({ length: count }, (_, index) => ({ role, name: `${role}-${index + 1}` }));
  return [
    ...some('api', processes.apis),
    ...some('manager', processes.managers),
    ...some('worker', processes.workers),
    ...(dedicated ? [{ role: 'worker' as const, name: 'dedicated-1' }] : []),
    ...some('beat', processes.beats),
  ];
}

export type Role = 'api' | 'manager' | 'worker' | 'beat';

const LATE = { assignment: 'late', onMissing: 'reassign' } as const;
const EAGER = { assignment: 'eager', onMissing: 'reassign' } as const;
const OLDER = { assignment: 'eager', onMissing: 'cancelAssigned' } as const;

const IN_TIME = { slowInsert: 0, slowInsertMs: 0, slowRange: 0 };
/** Submissions overtake each other on their way, while the resource manager reads. */
const OVERTAKING = { slowInsert: 0.5, slowInsertMs: 100, slowRange: 0.5 };
/** Some are stored about when their numbers are closed, and found by the client's next try. */
const LATE_INSERTS = { slowInsert: 0.25, slowInsertMs: 9_000, slowRange: 0 };

/** The scenario of a seed: a small deployment, a few tasks that get in each other's way, and trouble. */
export function draw(seed: number): Scenario {
  const chance = new Chance(`scenario ${seed}`);
  const calmFromMs = chance.between(30_000, 75_000);
  const processes = {
    apis: 1 + chance.below(2),
    managers: 1 + chance.below(2),
    workers: 1 + chance.below(3),
    beats: 1 + chance.below(2),
    slots: 1 + chance.below(3),
  };
  const shape = {
    processes: { ...processes, asyncWorkers: chance.of('pools').below(processes.workers + 1) },
    ...chance.pick([LATE, LATE, LATE, EAGER, OLDER]),
    dedicated: chance.happens(0.1),
  };
  const wild = chance.pick([0, 0.3, 1, 1, 2]);
  return {
    seed,
    ...shape,
    maxAwaiting: chance.of('waiting').pick([0, 1, 2, 64, 64, 64]),
    schedule: chance.happens(0.2) ? drawSchedule(chance.of('schedule'), calmFromMs) : undefined,
    tasks: withRates(
      chance.of('rates'),
      withLines(
        chance.of('crowd').happens(0.15) ? drawCrowd(chance.of('tasks'), calmFromMs) : drawTasks(chance.of('tasks'), calmFromMs),
        chance.of('lines'),
      ),
    ),
    lines: drawLines(chance.of('units'), calmFromMs),
    workflows: drawWorkflows(chance.of('workflows'), calmFromMs),
    ...drawSteering(
      chance.of('steering'),
      namesOf(shape)
        .filter(({ role }) => role === 'worker')
        .map(({ name }) => name),
      calmFromMs,
    ),
    climate: {
      ...CALM,
      lostRequest: 0.004 * wild,
      lostReply: 0.008 * wild,
      lands: 0.006 * wild,
      slow: chance.pick([0.04, 0.15]) * wild,
      slowMs: chance.pick([100, 1_500]),
      refused: 0.006 * wild,
      twice: 0.02 * wild,
      ...chance.of('dawdling').pick([IN_TIME, IN_TIME, IN_TIME, IN_TIME, OVERTAKING, LATE_INSERTS]),
    },
    hints: { lost: chance.pick([0, 0.1, 0.3, 1]), twice: chance.pick([0, 0.15]), late: chance.pick([0, 0.15]) },
    faults: drawFaults(
      chance.of('faults'),
      namesOf(shape).map(each => each.name),
      calmFromMs,
    ),
    failpoints: [],
    retention: drawRetention(chance.of('retention')),
    calmFromMs,
  };
}

export const FOR_EVER: Retention = { completed: 0, failed: 0, canceled: 0, skipped: 0, results: 0 };
/** Longer than anything can be late here: a write lands, and a paused process wakes up, up to a minute after its time. */
const LATE_MS = 61_000;

function drawRetention(chance: Chance): Retention {
  if (!chance.happens(0.15)) return FOR_EVER;
  const ms = (): number => (chance.happens(0.2) ? 0 : chance.between(LATE_MS, 1.5 * LATE_MS));
  return { completed: ms(), failed: ms(), canceled: ms(), skipped: ms(), results: chance.happens(0.5) ? LATE_MS : 0 };
}

function drawTasks(chance: Chance, calmFromMs: number): TaskPlan[] {
  const resources = Array.from({ length: 1 + chance.below(4) }, (_, index) => `r${index}`);
  const spreadMs = chance.pick([100, 10_000, calmFromMs]);
  /** Clients that ask for one task after the other; 0: everybody asks at a time of its own. */
  const rows = chance.pick([0, 0, 1, 2, 3]);
  /** Bodies that are over at once leave the resources free, so that the next in line is granted at once: races show. */
  const brief = chance.happens(0.5);
  const callsToo = chance.of('callers').happens(0.25);
  return Array.from({ length: rows > 0 ? 10 + chance.below(15) : 2 + chance.below(10) }, (_, index): TaskPlan => {
    const chosen = chance.happens(0.2) ? [] : chance.sample(resources, 1 + chance.below(3));
    const exclusive = chosen.filter(() => chance.happens(0.7));
    const atMs = chance.between(0, spreadMs);
    return {
      label: `t${index}`,
      atMs,
      ...(rows > 0 && index >= rows && { follows: `t${index - rows}` }),
      exclusive,
      shared: chosen.filter(name => !exclusive.includes(name)),
      ms:
        rows > 0
          ? chance.about(brief ? 10 : 300)
          : chance.pick([0, chance.about(300), chance.about(4_000), chance.about(15_000)]),
      ...drawEnd(chance),
      requeue: chance.happens(0.4),
      priority: chance.pick([4, 4, 4, 0, 9]),
      queue: chance.happens(0.1) ? 'other' : 'default',
      once: chance.happens(0.3),
      ...(chance.happens(0.1) && { delayMs: chance.between(0, 20_000) }),
      ...(chance.of(`unique ${index}`).happens(0.1) && { unique: 'u' }),
      ...(chance.happens(0.05) && { expiresMs: chance.between(0, 20_000) }),
      ...(chance.happens(0.25) && { cancelAtMs: atMs + chance.about(6_000) }),
      ...(callsToo && drawCalls(chance.of(`calls ${index}`), resources, 0)),
    };
  });
}

const LIMITS = [
  { count: 10, perMs: 1_000 },
  { count: 3, perMs: 1_000 },
  { count: 1, perMs: 1_000 },
  { count: 1, perMs: 2_000 },
];
/** So slow that a leader's successor has to know of the last start. */
const SLOW = { count: 1, perMs: 10_000 };
const FEW = 12;

/** In one of four scenarios most tasks have a rate, under one key or two; now and then the tasks of a key do not agree on their limit. */
function withRates(chance: Chance, tasks: TaskPlan[]): TaskPlan[] {
  if (chance.happens(0.75)) return tasks;
  const share = chance.pick([0.3, 0.8, 1]);
  const limits = tasks.length <= FEW ? [...LIMITS, SLOW, SLOW, SLOW] : LIMITS;
  const keys = Array.from({ length: 1 + chance.below(2) }, (_, index) => ({ key: `k${index}`, ...chance.pick(limits) }));
  const odd = chance.happens(0.2) ? 0.3 : 0;
  return tasks.map(task => {
    if (!chance.happens(share)) return task;
    const rate = chance.pick(keys);
    return { ...task, rate: chance.happens(odd) ? { ...rate, ...chance.pick(LIMITS) } : rate };
  });
}

function drawEnd(chance: Chance): Pick<TaskPlan, 'ends' | 'retry'> {
  const ends = chance.pick(['completes', 'completes', 'completes', 'completes', 'completes', 'fails', 'dies', 'flaky'] as const);
  if (ends === 'completes' || chance.happens(0.4)) return { ends };
  return { ends, retry: { delayMs: chance.pick([0, chance.about(500), chance.about(5_000)]), hold: chance.happens(0.5) } };
}

/** A backlog of short tasks, most of which may run again: workers claim them ahead of their slots, until a long one keeps a slot. */
function drawCrowd(chance: Chance, calmFromMs: number): TaskPlan[] {
  const fromMs = chance.pick([0, chance.between(0, calmFromMs)]);
  return Array.from({ length: 20 + chance.below(30) }, (_, index): TaskPlan => {
    const atMs = fromMs + chance.between(0, 100);
    return {
      label: `t${index}`,
      atMs,
      exclusive: chance.happens(0.1) ? ['r0'] : [],
      shared: [],
      ms: chance.happens(0.15) ? chance.about(2_000) : chance.about(5),
      ...drawEnd(chance),
      requeue: chance.happens(0.9),
      priority: chance.pick([4, 4, 4, 0, 9]),
      queue: 'default',
      once: chance.happens(0.3),
      ...(chance.happens(0.2) && { cancelAtMs: atMs + chance.about(1_500) }),
    };
  });
}

function drawWorkflows(chance: Chance, calmFromMs: number): WorkflowPlan[] {
  if (chance.happens(0.8)) return [];
  return Array.from({ length: 1 + chance.below(2) }, (_, index) => ({
    label: `w${index}`,
    atMs: chance.between(0, calmFromMs),
    members: Array.from({ length: 2 + chance.below(8) }, (_member, place) => ({
      ...drawEnd(chance),
      exclusive: chance.happens(0.4) ? ['r0'] : [],
      ms: chance.pick([0, chance.about(300), chance.about(3_000)]),
      requeue: chance.happens(0.5),
      after: Array.from({ length: place }, (_other, earlier) => earlier).filter(() => chance.happens(2 / (place + 1))),
      join: chance.pick(JOINS),
    })),
  }));
}

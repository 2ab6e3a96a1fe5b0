import { PHASES, type Action, type Failpoint } from './failpoints.js';
import { CALM } from './climate.js';
import { run } from './run.js';
import { FOR_EVER, type Scenario, type TaskPlan } from './scenario.js';

const SLOW = { key: 'k', count: 1, perMs: 8_000 };

/** The mixes of tasks that every step is tried with. */
const MIXES: Readonly<Record<string, Partial<TaskPlan>[]>> = {
  'one task': [{ exclusive: ['a'] }],
  'one that may run again, cancelled': [{ requeue: true, cancelAtMs: 4_000 }],
  'a conflicting pair': [{ exclusive: ['a', 'b'] }, { exclusive: ['b', 'a'], requeue: true }],
  'two under a slow rate': [{ rate: SLOW }, { rate: SLOW, requeue: true, exclusive: ['a'] }],
  'patterns, units and a limit': [
    { exclusive: ['a/**'], gpus: 2, limit: { key: 'k', max: 1 } },
    { exclusive: ['a/x'], limit: { key: 'k', max: 1 }, requeue: true },
    { shared: ['a/**'], gpus: 2 },
  ],
  'shared and exclusive': [{ shared: ['a'] }, { exclusive: ['a'] }, { shared: ['a'], requeue: true }, { delayMs: 1_000 }],
};

const ACTIONS: readonly Action[] = ['kill', 'pause', 'throw'];
/** A place that is passed every few seconds is broken at its first passes; later ones are like them. */
const OCCURRENCES = [1, 2, 3];

export interface Case {
  name: string;
  scenario: Scenario;
}

/**
 * The step matrix: every call that a process makes to the store, broken before it is sent, when it is carried out but not answered, and when it is
 * answered, by killing the process, pausing it for 40 s, or an error; for every mix of tasks.
 */
export async function* matrix(): AsyncGenerator<Case> {
  for (const [mix, tasks] of Object.entries(MIXES)) {
    const calm = quiet(tasks, []);
    const { passed } = await run(calm);
    for (const { point, count } of passed) {
      for (const failpoint of variants(point, count)) {
        const { phase, action, nth } = failpoint;
        yield { name: `${point} #${nth} ${phase} ${action}, ${mix}`, scenario: quiet(tasks, [failpoint]) };
      }
    }
  }
}

function variants(point: string, count: number): Failpoint[] {
  return OCCURRENCES.filter(nth => nth <= count).flatMap(nth =>
    PHASES.flatMap(phase => ACTIONS.map(action => ({ point, phase, action, nth }))),
  );
}

/** Two of each role but the api, no weather: what happens is the failpoint's doing. */
function quiet(tasks: readonly Partial<TaskPlan>[], failpoints: Failpoint[]): Scenario {
  return {
    seed: 1,
    maxAwaiting: 64,
    processes: { apis: 1, managers: 2, workers: 2, asyncWorkers: 1, beats: 2, slots: 2 },
    assignment: 'late',
    onMissing: 'reassign',
    dedicated: false,
    schedule: undefined,
    lines: { gpus: { first: 3, laterMs: 0, later: 3 } },
    tasks: tasks.map((task, index) => ({
      label: `t${index}`,
      atMs: 2_000 + index,
      exclusive: [],
      shared: [],
      ms: 3_000,
      ends: 'completes',
      requeue: false,
      priority: 4,
      queue: 'default',
      once: false,
      ...task,
    })),
    workflows: [],
    commands: [],
    lacking: [],
    climate: CALM,
    hints: { lost: 0, twice: 0, late: 0 },
    faults: [],
    retention: FOR_EVER,
    failpoints,
    calmFromMs: 0,
  };
}

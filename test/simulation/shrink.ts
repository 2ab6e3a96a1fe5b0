import { run } from './run.js';
import { CALM } from './climate.js';
import type { Scenario } from './scenario.js';

/** At most this many runs: a shrunk case is for reading, not for the record books. */
const MAX_RUNS = 400;

/** Takes away from a failing scenario whatever it fails without: faults, tasks, weather, processes. The rule that is broken stays the same. */
export async function shrink(scenario: Scenario, rule: string): Promise<Scenario> {
  let smallest = scenario;
  let runs = 0;
  const stillFails = async (candidate: Scenario): Promise<boolean> =>
    runs++ < MAX_RUNS && (await run(candidate)).violations.some(violation => violation.rule === rule);
  for (let shrunk = true; shrunk && runs < MAX_RUNS;) {
    shrunk = false;
    for (const candidate of smaller(smallest)) {
      if (!(await stillFails(candidate))) continue;
      smallest = candidate;
      shrunk = true;
      break;
    }
  }
  return smallest;
}

function* smaller(scenario: Scenario): Generator<Scenario> {
  for (const index of scenario.tasks.keys()) yield { ...scenario, tasks: scenario.tasks.toSpliced(index, 1) };
  for (const index of scenario.workflows.keys()) yield { ...scenario, workflows: scenario.workflows.toSpliced(index, 1) };
  for (const index of scenario.faults.keys()) yield { ...scenario, faults: scenario.faults.toSpliced(index, 1) };
  for (const [index, { command, atMs }] of scenario.commands.entries()) {
    const last = command.action === 'resume' && atMs >= scenario.calmFromMs; // without it, nothing would come to its end
    if (!last) yield { ...scenario, commands: scenario.commands.toSpliced(index, 1) };
  }
  for (const index of scenario.lacking.keys()) yield { ...scenario, lacking: scenario.lacking.toSpliced(index, 1) };
  if (scenario.schedule) yield { ...scenario, schedule: undefined };
  for (const name of Object.keys(CALM) as (keyof typeof CALM)[]) {
    if (scenario.climate[name] > 0) yield { ...scenario, climate: { ...scenario.climate, [name]: 0 } };
  }
  for (const name of ['lost', 'twice', 'late'] as const) {
    if (scenario.hints[name] > 0) yield { ...scenario, hints: { ...scenario.hints, [name]: 0 } };
  }
  for (const name of ['apis', 'managers', 'workers', 'beats', 'slots'] as const) {
    const count = scenario.processes[name];
    if (count > 1) yield { ...scenario, processes: { ...scenario.processes, [name]: count - 1 } };
  }
  if (scenario.processes.asyncWorkers > 0) yield { ...scenario, processes: { ...scenario.processes, asyncWorkers: 0 } };
  if (scenario.dedicated) yield { ...scenario, dedicated: false };
  for (const [index, task] of scenario.tasks.entries()) {
    if (task.cancelAtMs === undefined) continue;
    const kept = { ...task };
    delete kept.cancelAtMs;
    yield { ...scenario, tasks: scenario.tasks.with(index, kept) };
  }
}

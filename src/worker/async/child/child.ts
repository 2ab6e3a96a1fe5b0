// The program of a child process that runs many tasks: node child.js <worker name> <memory in MiB>; fd 3 messages, fd 4 lifeline.
import { needsResources } from '../../../core/task.js';
import { completed, versionOf } from '../../../tasks/complete.js';
import type { ChildOutcome } from '../../children/from-child.js';
import { Budget } from '../../children/budget.js';
import { BodyRun, type BodyRunDeps } from '../../children/child/body-run.js';
import { Lifeline } from '../../children/child/lifeline.js';
import { load } from '../../children/child/load.js';
import { runOne, type Loaded } from '../../children/child/run-one.js';
import { Supervisor } from '../../children/child/supervisor.js';
import type { ToChild } from '../../children/ipc.js';
import { HARD_MEMORY } from '../limits.js';
import { Bodies } from './bodies.js';
import { blameBodies } from './faults.js';
import { Printing } from './printed.js';

/** Of all bodies together; each has a hundred a second of its own. */
const LINES_PER_SECOND = 2_000;
const LINES_AT_ONCE = 10_000;

const [, , worker = '', memory] = process.argv;
const memoryMiB = Number(memory);
const bodies = new Bodies();
const lines = new Budget(LINES_PER_SECOND, LINES_AT_ONCE);
const mayLog = (): boolean => lines.take();
const printing = new Printing(bodies, mayLog);
const ended: { body: BodyRun; outcome: ChildOutcome }[] = [];
let types: Loaded | undefined;

process.chdir = () => {
  throw new Error('All tasks of an async worker share one current directory; `ctx.directory()` gives each one of its own.');
};
const lifeline = await Lifeline.start({ memoryMiB, shared: { softMemoryMiB: memoryMiB / HARD_MEMORY } });
const supervisor = new Supervisor(order => {
  if (order.kind === 'run') begin(order);
  else if (order.kind === 'cancel') bodies.get(order.run)?.abort(order.reason);
  else if (order.kind === 'overtime') bodies.get(order.run)?.exceed(order.limitMs);
  else void load(order, supervisor, loaded => (types = loaded));
});
blameBodies(bodies, supervisor);
process.on('exit', tellEnds);
const deps: Omit<BodyRunDeps, 'complete' | 'versionOf'> = {
  supervisor,
  mayLog,
  directory: body => body.askForDirectory(),
  closing: body => printing.end(body),
};

function begin({ run, task, deadlineMs }: Extract<ToChild, { kind: 'run' }>): void {
  if (!types) return; // it would not have been given one
  lifeline.check(deadlineMs);
  const { registry } = types;
  const body = new BodyRun(
    run,
    { ...task, worker },
    {
      ...deps,
      complete: spawned => completed(spawned, registry),
      versionOf: spawned => versionOf(spawned, registry),
    },
  );
  bodies.add(body);
  void runOne(body, types).then(outcome => end(body, outcome));
}

/** A request that a body with resources has not waited for may still act on them. */
async function end(body: BodyRun, outcome: ChildOutcome): Promise<void> {
  if (needsResources(body.facts)) await body.answered();
  if (ended.push({ body, outcome }) === 1) setImmediate(tellEnds);
}

/** At the end of the turn: by then Node has said which rejections nobody handles. */
function tellEnds(): void {
  for (const { body, outcome } of ended.splice(0)) {
    bodies.delete(body);
    const { number: run, fault } = body;
    supervisor.send({ kind: 'outcome', run, outcome: fault ? { kind: 'failed', error: fault } : outcome });
  }
  supervisor.flush();
}

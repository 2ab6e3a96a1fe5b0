// The program of a child process that runs one task at a time: node child.js <worker name> <memory in MiB>; fd 3 messages, fd 4 lifeline.
import { needsResources } from '../../../core/task.js';
import { completed, versionOf } from '../../../tasks/complete.js';
import { BodyRun } from '../../children/child/body-run.js';
import { Lifeline } from '../../children/child/lifeline.js';
import { load } from '../../children/child/load.js';
import { runOne, type Loaded } from '../../children/child/run-one.js';
import { Supervisor } from '../../children/child/supervisor.js';
import type { ToChild } from '../../children/ipc.js';
import { activeResources, leftovers, type Resources } from './leftovers.js';

const home = process.cwd();
const [, , worker = '', memoryMiB] = process.argv;
// Opened by their first use, and then for ever: opened now, they are nothing that a task left.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // nobody reads: the watchdog acts
let types: Loaded | undefined;
/** What a child without a task keeps open. */
let idle: Resources = new Map();
let current: BodyRun | undefined;

const lifeline = await Lifeline.start({ memoryMiB: Number(memoryMiB) });
const supervisor = new Supervisor(order => {
  if (order.kind === 'load') void load(order, supervisor, settle);
  else if (order.kind === 'run') void run(order);
  else if (order.run !== current?.number)
    return; // it has ended
  else if (order.kind === 'overtime') current.exceed(order.limitMs);
  else current.abort(order.reason);
});

function settle(loaded: Loaded): void {
  types = loaded;
  idle = activeResources();
}

async function run({ run, task, directory = home, deadlineMs }: Extract<ToChild, { kind: 'run' }>): Promise<void> {
  if (!types) return; // it would not have been given one
  lifeline.check(deadlineMs);
  const { registry } = types;
  const body = new BodyRun(
    run,
    { ...task, worker },
    {
      supervisor,
      complete: spawned => completed(spawned, registry),
      versionOf: spawned => versionOf(spawned, registry),
      directory: () => Promise.resolve(directory),
    },
  );
  current = body;
  process.chdir(directory);
  const outcome = await runOne(body, types);
  const left = await leftBy(body);
  process.chdir(home);
  supervisor.send({ kind: 'outcome', run, outcome, ...(left.length > 0 && { leftovers: left }) });
}

/**
 * Where nothing is reserved, only a process that still runs is worth a new child: a connection that a first task has opened for all
 * later ones must not cost each of them a start.
 */
function leftBy({ facts, pending }: BodyRun): string[] | Promise<string[]> {
  if (!needsResources(facts)) return leftovers(idle, kind => kind === 'ProcessWrap');
  return pending > 0 ? ['Request'] : leftovers(idle, () => true);
}

// The program of a child process: node child.js <worker name> <memory in MiB>; fd 3 messages, fd 4 lifeline.
import { TaskAborted } from '../../../tasks/context.js';
import { installRegistry } from '../../../tasks/enqueue.js';
import { Registry } from '../../../tasks/registry.js';
import type { ToChild } from '../ipc.js';
import { activeResources, leftovers, type Resources } from './leftovers.js';
import { Lifeline } from './lifeline.js';
import { runOne } from './run-one.js';
import { Supervisor } from './supervisor.js';

type Load = Extract<ToChild, { kind: 'load' }>;
type Run = Extract<ToChild, { kind: 'run' }>;

interface Loaded {
  registry: Registry;
  resultLimitBytes: number;
  /** What an idle child keeps open. */
  idle: Resources;
}

const home = process.cwd();
// Opened by their first use, and then for ever: opened now, they are nothing that a task left.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // nobody reads: the watchdog acts
let canceling = new AbortController();
let loaded: Loaded | undefined;

const lifeline = await Lifeline.start(Number(process.argv[3]));
const supervisor = new Supervisor(order => {
  if (order.kind === 'load') void load(order);
  else if (order.kind === 'cancel') canceling.abort(new TaskAborted(order.reason));
  else if (loaded) void run(order, loaded);
});

async function load({ modules, base, resultLimitBytes }: Load): Promise<void> {
  try {
    const registry = await Registry.load(modules, base);
    installRegistry(registry);
    loaded = { registry, resultLimitBytes, idle: activeResources() };
    supervisor.send({ kind: 'ready', types: registry.list().map(type => type.name) });
  } catch (error) {
    supervisor.send({ kind: 'unloadable', message: error instanceof Error ? error.message : String(error) });
  }
}

async function run({ task, directory, deadlineMs }: Run, { registry, resultLimitBytes, idle }: Loaded): Promise<void> {
  lifeline.check(deadlineMs);
  canceling = new AbortController();
  process.chdir(directory);
  const outcome = await runOne(task, { registry, supervisor, signal: canceling.signal, resultLimitBytes });
  const left = await leftBy(task, idle);
  process.chdir(home);
  supervisor.send({ kind: 'outcome', task: task.id, outcome, leftovers: left });
}

/**
 * Where nothing is reserved, only a process that still runs is worth a new child: a connection that a first task has opened for all
 * later ones must not cost each of them a start.
 */
function leftBy({ exclusive, shared }: Run['task'], idle: Resources): string[] | Promise<string[]> {
  if (exclusive.length + shared.length === 0) return leftovers(idle, kind => kind === 'ProcessWrap');
  return supervisor.pending > 0 ? ['Request'] : leftovers(idle, () => true);
}

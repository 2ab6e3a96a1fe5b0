import { Argument, type Command } from 'commander';

import type { ProcessView, WorkerAction, WorkerAnswers } from '../../client/client.js';
import { integerBetween, oneOfWords, seconds } from '../arguments.js';
import { EXIT, UsageError } from '../exit-codes.js';
import { mayGoOn, YES } from '../ask.js';
import { connect, remoteOptions, type RemoteOptions } from '../remote.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';

interface SteerOptions extends RemoteOptions {
  all?: boolean;
  yes?: boolean;
  /** False: `--no-wait`. */
  wait: number | false;
}

/** As long as two heartbeats, for workers that no message reaches. */
const WAIT_S = 12;
const MAX_WAIT_S = 60;

/** `interlock workers …` */
export function workerCommands(program: Command): void {
  const workers = program.command('workers').description('look at the workers, and steer them while they run');
  workers.addHelpText('after', EXAMPLES);
  watchOption(remoteOptions(workers.command('list').description('all of them, with what they run'))).action(list);
  const shown = workers.command('show <name>').description('what one runs, what is bound to it, its task types and numbers');
  watchOption(remoteOptions(shown)).action(show);
  steering(
    workers.command('pause').description('take no new work, also after a restart, until resumed; what runs goes on'),
    () => ({
      action: 'pause',
    }),
  );
  steering(workers.command('resume').description('take work again'), () => ({ action: 'resume' }));
  steering(workers.command('drain').description('pause, and give what is bound to it and has not started to others'), () => ({
    action: 'drain',
  }));
  const shutdown = workers.command('shutdown').description('end, with exit status 0');
  shutdown.option(
    '--stage <stage>',
    'warm: what runs may end; soft: it is asked to end; cold: it is killed',
    oneOfWords('warm', 'soft', 'cold'),
  );
  steering(shutdown, ({ stage }: { stage?: 'warm' | 'soft' | 'cold' }) => ({ action: 'shutdown', ...(stage && { stage }) }));
  const pool = workers.command('pool').description('change how many slots workers have, until they end');
  for (const [verb, field, says] of [
    ['grow', 'grow', 'so many slots more'],
    ['shrink', 'shrink', 'so many slots fewer; what runs goes on'],
    ['set', 'slots', 'exactly so many slots'],
  ] as const) {
    const command = pool.command(verb).description(says).addArgument(countArgument());
    steering(command, (_options, [count]) => ({ action: 'pool', [field]: count }) as WorkerAction);
  }
}

const EXAMPLES = `
Examples:
  interlock workers list
  interlock workers pause worker@a worker@b
  interlock workers drain worker@a --wait 60
  interlock workers pool grow 4 worker@a
  interlock workers shutdown worker@a --stage soft
  interlock workers resume --all

Exit status 5: not all of them have done it yet (they will, with their next heartbeat).`;

function countArgument(): Argument {
  return new Argument('<count>', 'slots').argParser(integerBetween(1, 10_000));
}

/** With names behind its own arguments, or `--all`. */
function steering<Options>(command: Command, actionOf: (options: Options, given: readonly unknown[]) => WorkerAction): void {
  remoteOptions(command.argument('[names...]', 'of workers'))
    .option('--all', 'every live worker')
    .option('--wait <seconds>', `for them to do it (${WAIT_S}); at most ${MAX_WAIT_S}`, seconds, WAIT_S)
    .option('--no-wait', 'answer at once')
    .option(...YES)
    .action(async (...given: unknown[]) => {
      const options = given.at(-2) as SteerOptions & Options;
      const names = given.at(-3) as string[];
      if ((options.all === true) === names.length > 0) throw new UsageError('Give names of workers, or --all.');
      const wait = options.wait === false ? undefined : Math.min(MAX_WAIT_S, Math.ceil(options.wait));
      const { client, out } = await connect(options);
      const action = actionOf(options, given.slice(0, -3));
      if (action.action === 'shutdown' && options.all && !(await mayGoOn('end every live worker', options))) return;
      const asked = { ...(names.length > 0 && { names }), ...(wait !== undefined && { wait }) };
      const answers = await client.workers.steer(action, asked);
      if (wait !== undefined && answers.silent.length > 0) process.exitCode = EXIT.timedOut;
      out.data(answers, () => sentence(answers));
    });
}

function sentence({ asked, answered, silent }: WorkerAnswers): string {
  if (asked === 0) return 'No worker is live.';
  const told = `${answered} of ${asked} answered`;
  return silent.length === 0 ? `${told}.` : `${told}; not yet: ${silent.join(', ')}.`;
}

async function list(options: RemoteOptions & WatchOptions): Promise<void> {
  const { client, out } = await connect(options);
  const { table } = await import('../output.js');
  await showing(
    options,
    out,
    () => client.workers(),
    page => {
      const rows = page.items.map(worker => [
        worker.name,
        stateOf(worker),
        textOf(worker.slots),
        Array.isArray(worker.tasks) ? worker.tasks.length : null,
        Array.isArray(worker.queues) ? (worker.queues as string[]).join(', ') : null,
        textOf((worker.stats as { tasksRun?: unknown } | null | undefined)?.tasksRun),
      ]);
      return table(['NAME', 'STATE', 'SLOTS', 'RUNNING', 'QUEUES', 'TASKS RUN'], rows, 'No workers.');
    },
  );
}

/** What is asked of a live one says more than that it lives. */
function stateOf({ state, paused, draining }: ProcessView): string | null {
  if (state !== 'live') return textOf(state);
  return draining === true ? 'draining' : paused === true ? 'paused' : 'live';
}

async function show(name: string, options: RemoteOptions & WatchOptions): Promise<void> {
  const { client, out } = await connect(options);
  const { details } = await import('../output.js');
  await showing(options, out, () => client.workers.get(name), details);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

import type { Command } from 'commander';

import type { TaskQuery } from '../../client/client.js';
import type { JsonObject } from '../../core/json.js';
import type { SubmitBody } from '../../core/submit-body.js';
import type { FinalState } from '../../core/state.js';
import {
  collect,
  collectUnits,
  finalStates,
  integerBetween,
  jsonArray,
  jsonObject,
  limit,
  seconds,
  secondsOrTime,
  time,
} from '../arguments.js';
import { mayGoOn, YES } from '../ask.js';
import { connect, remoteOptions, requestOptions, type Remote, type RemoteOptions } from '../remote.js';
import { filterOptions } from '../filters.js';
import { stateOf } from '../task-state.js';
import { taskActions } from './task-actions.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';

interface RunOptions extends RemoteOptions, Partial<Omit<SubmitBody, 'name' | 'tags'>> {
  tag?: string[];
  idempotencyKey?: string;
  wait?: boolean;
  timeout?: number;
}

/** `interlock task …` */
export function taskCommands(program: Command): void {
  const task = program.command('task').description('submit, look at, wait for and cancel tasks');
  addRun(task);
  addList(task);
  remoteOptions(task.command('show <id>').description('everything about one task')).action(
    async (id: string, options: RemoteOptions) => show(await connect(options), id),
  );
  remoteOptions(task.command('explain <id>').description('why it is waiting: who holds what, and who is before it')).action(
    async (id: string, options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const explanation = await client.explain(id);
      out.data(explanation, () => explanation.text);
    },
  );
  remoteOptions(task.command('wait <id>').description('until it has ended'))
    .option('--timeout <seconds>', 'give up after this long (exit code 5)', seconds)
    .action(async (id: string, options: RemoteOptions & { timeout?: number }) => {
      const { waitFor } = await import('../wait.js');
      await waitFor(await connect(options), id, options.timeout);
    });
  taskActions(task);
  addPurge(task);
}

function addPurge(task: Command): void {
  remoteOptions(task.command('purge').description('delete those that have ended'))
    .requiredOption('--state <state>', 'completed, failed, canceled or skipped; may be repeated', finalStates)
    .option('--finished-before <time>', 'only those that had ended before', time)
    .option(...YES)
    .action(async (options: RemoteOptions & { state: FinalState[]; finishedBefore?: Date; yes?: boolean }) => {
      const { client, out } = await connect(options);
      const { state, finishedBefore } = options;
      if (
        !(await mayGoOn(
          `delete every ${state.join(' and ')} task${finishedBefore ? ` that had ended by ${finishedBefore.toISOString()}` : ''}`,
          options,
        ))
      )
        return;
      const purged = await client.purge(state, finishedBefore && { finishedBefore });
      const held =
        purged.kept > 0
          ? `, ${purged.kept} kept: their group, or the task that spawned them, is open, or they have just ended`
          : '';
      out.data(purged, () => `${purged.deleted} deleted${held}.`);
    });
}

function addRun(task: Command): void {
  const command = task.command('run <name>').description('submit one');
  remoteOptions(command)
    .option('--args <json>', 'positional arguments: a JSON array, or @file', jsonArray)
    .option('--kwargs <json>', 'named input: a JSON object, or @file', jsonObject)
    .option('--exclusive <resource>', 'nobody else may hold it meanwhile; may be repeated', collect)
    .option('--shared <resource>', 'nobody else may hold it exclusively; may be repeated', collect)
    .option('--counted <resource=units>', 'units of a resource whose capacity is declared; may be repeated', collectUnits)
    .option('--concurrency <key=max>', 'at most so many tasks with this key at a time', limit)
    .option('--queue <name>', 'where its workers listen')
    .option('--priority <n>', '0 to 9, higher first', integerBetween(0, 9))
    .option('--countdown <when>', 'not before: seconds from now, or a time', secondsOrTime)
    .option('--expires <when>', 'never after: seconds from now, or a time', secondsOrTime)
    .option('--max-attempts <n>', 'starts at most', integerBetween(1, 100))
    .option('--retry <json>', 'tried again when it fails: {"delay": 5, "backoff": "exponential", "maxDelay": 600}', jsonObject)
    .option('--on-worker-loss <what>', 'cancel or requeue')
    .option('--soft-time-limit <seconds>', 'asked to end after this long', seconds)
    .option('--time-limit <seconds>', 'killed after this long', seconds)
    .option('--stall-after <seconds>', 'killed when it reports no progress for this long', seconds)
    .option('--rate-limit <limit>', 'starts per time of all tasks with its key, as 10/s, 100/m or 5/10s')
    .option('--rate-key <key>', 'what is limited together; the type unless given')
    .option('--parent <id>', 'the task on whose behalf it runs')
    .option('--group <id>', 'the group that it belongs to')
    .option('--tag <tag>', 'may be repeated', collect)
    .option('--idempotency-key <key>', 'the same key and input give the same task')
    .option('--wait', 'until it has ended; its end decides the exit code')
    .option('--timeout <seconds>', 'with --wait: give up after this long (exit code 5)', seconds)
    .action(async (name: string, options: RunOptions) => run(await connect(options), name, options));
}

async function run(remote: Remote, name: string, options: RunOptions): Promise<void> {
  const { client, out } = remote;
  const { idempotencyKey, tag, wait, timeout, ...rest } = requestOptions(options);
  const body: SubmitBody = { name, ...rest, ...(tag && { tags: tag }) };
  const task = await client.submit(body as unknown as JsonObject, idempotencyKey === undefined ? {} : { idempotencyKey });
  if (wait) {
    const { waitFor } = await import('../wait.js');
    await waitFor(remote, task.id, timeout);
  } else out.data(task, () => `${task.id}  ${task.name}  ${stateOf(task)}`);
}

function addList(task: Command): void {
  const command = remoteOptions(task.command('list').description('newest first'));
  watchOption(filterOptions(command, 'state', 'name', 'queue', 'worker', 'resource', 'tag', 'group', 'parent'))
    .option('--limit <n>', 'at most 500', integerBetween(1, 500), 50)
    .action(async ({ watch, ...options }: RemoteOptions & WatchOptions & TaskQuery) => {
      const { client, out } = await connect(options);
      const { ago, table } = await import('../output.js');
      await showing(
        { watch },
        out,
        () => client.list(requestOptions(options)),
        page => {
          const rows = page.items.map(item => [item.id, item.name, stateOf(item), item.queue, item.worker, ago(item.createdAt)]);
          if (page.next !== null) out.note('There are more; raise --limit or name a filter.');
          return table(['ID', 'NAME', 'STATE', 'QUEUE', 'WORKER', 'AGE'], rows, 'No tasks.');
        },
      );
    });
}

async function show({ client, out }: Remote, id: string): Promise<void> {
  const { details } = await import('../output.js');
  const task = await client.get(id);
  const { error, ...fields } = task;
  out.data(task, () =>
    details({
      ...fields,
      waitingFor: task.waitingFor,
      error: error && `${error.code}: ${error.message}`,
      traceback: error?.traceback,
    }),
  );
}

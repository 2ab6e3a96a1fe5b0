import type { Command } from 'commander';

import type { TaskQuery } from '../../client/client.js';
import type { JsonObject } from '../../core/json.js';
import type { SubmitBody } from '../../core/submit-body.js';
import { collect, integerBetween, jsonArray, jsonObject, seconds, secondsOrTime } from '../arguments.js';
import { connect, remoteOptions, requestOptions, type Remote, type RemoteOptions } from '../remote.js';
import { stateOf } from '../task-state.js';

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
  remoteOptions(task.command('cancel <id>').description('only this one, unless --tree'))
    .option('--tree', 'also what it spawned')
    .action(async (id: string, options: RemoteOptions & { tree?: boolean }) => {
      const { client, out } = await connect(options);
      const canceled = await client.cancel(id, options.tree === undefined ? {} : { tree: options.tree });
      out.data(canceled, () => `${canceled.id}  ${canceled.name}  ${canceled.state}`);
    });
}

function addRun(task: Command): void {
  const command = task.command('run <name>').description('submit one');
  remoteOptions(command)
    .option('--args <json>', 'positional arguments: a JSON array, or @file', jsonArray)
    .option('--kwargs <json>', 'named input: a JSON object, or @file', jsonObject)
    .option('--exclusive <resource>', 'nobody else may hold it meanwhile; may be repeated', collect)
    .option('--shared <resource>', 'nobody else may hold it exclusively; may be repeated', collect)
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
    .option('--parent <id>', 'the task on whose behalf it runs')
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
  remoteOptions(task.command('list').description('newest first'))
    .option('--state <state>', 'may be repeated', collect)
    .option('--name <name>', 'may be repeated', collect)
    .option('--queue <queue>', 'may be repeated', collect)
    .option('--worker <worker>', 'may be repeated', collect)
    .option('--resource <resource>', 'may be repeated', collect)
    .option('--tag <tag>', 'may be repeated', collect)
    .option('--limit <n>', 'at most 500', integerBetween(1, 500), 50)
    .action(async (options: RemoteOptions & TaskQuery) => {
      const { client, out } = await connect(options);
      const page = await client.list(requestOptions(options));
      const { ago, table } = await import('../output.js');
      const rows = page.items.map(item => [item.id, item.name, stateOf(item), item.queue, item.worker, ago(item.createdAt)]);
      out.data(page, () => table(['ID', 'NAME', 'STATE', 'QUEUE', 'WORKER', 'AGE'], rows, 'No tasks.'));
      if (!out.json && page.next !== null) out.note('There are more; raise --limit or name a filter.');
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

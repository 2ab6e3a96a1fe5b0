import type { Command } from 'commander';

import type { ActionFilter, Acted, TaskAction } from '../../client/client.js';
import { time } from '../arguments.js';
import { UsageError } from '../exit-codes.js';
import { mayGoOn, YES } from '../ask.js';
import { filterOptions } from '../filters.js';
import { connect, remoteOptions, requestOptions, type Remote, type RemoteOptions } from '../remote.js';
import { stateOf } from '../task-state.js';

interface ActionOptions extends RemoteOptions, ActionFilter {
  yes?: boolean;
  dryRun?: boolean;
}

/** `interlock task cancel|retry|delete`: one task by its id, or all that match. */
export function taskActions(task: Command): void {
  action(task, 'cancel', 'one by its id, or all that match: only these, unless --tree')
    .option('--tree', 'of one: also what it spawned')
    .action(async (id: string | undefined, options: ActionOptions & { tree?: boolean }) => {
      const { tree, ...rest } = options;
      if (tree !== undefined && id === undefined) throw new UsageError('--tree is for one task: give its id.');
      await act('cancel', id, rest, async ({ client, out }, one) => {
        const canceled = await client.cancel(one, tree === undefined ? {} : { tree });
        out.data(canceled, () => `${canceled.id}  ${canceled.name}  ${canceled.state}`);
      });
    });
  action(task, 'retry', 'submit again what failed or was canceled: one by its id, or all that match, each once')
    .option('--idempotency-key <key>', 'of one: the same key gives the same task')
    .action(async (id: string | undefined, options: ActionOptions & { idempotencyKey?: string }) => {
      const { idempotencyKey, ...rest } = options;
      if (idempotencyKey !== undefined && id === undefined)
        throw new UsageError('--idempotency-key is for one task; of many, each is retried once anyway.');
      await act('retry', id, rest, async ({ client, out }, one) => {
        const made = await client.retry(one, idempotencyKey === undefined ? {} : { idempotencyKey });
        out.data(made, () => `${made.id}  ${made.name}  ${stateOf(made)}`);
      });
    });
  action(task, 'delete', 'forget what has ended: one by its id, or all that match').action(
    async (id: string | undefined, options: ActionOptions) => {
      await act('delete', id, options, async ({ client, out }, one) => {
        await client.remove(one);
        out.data({ deleted: one }, () => `${one} deleted`);
      });
    },
  );
}

function action(task: Command, name: TaskAction, description: string): Command {
  const command = task.command(`${name} [id]`).description(description);
  return filterOptions(remoteOptions(command), 'state', 'name', 'queue', 'worker', 'resource', 'tag', 'group', 'schedule')
    .option('--created-after <time>', 'at this time or later', time)
    .option('--created-before <time>', 'before this time', time)
    .option('--finished-after <time>', 'at this time or later', time)
    .option('--finished-before <time>', 'before this time', time)
    .option('--dry-run', 'count those that match, and do nothing')
    .option(...YES);
}

async function act(
  name: TaskAction,
  id: string | undefined,
  options: ActionOptions,
  one: (remote: Remote, id: string) => Promise<void>,
): Promise<void> {
  const { yes = false, dryRun = false, ...filter } = requestOptions(options);
  const filtered = Object.keys(filter).length > 0;
  if (id !== undefined && (filtered || yes || dryRun))
    throw new UsageError('Give either the id of one task, or what many have in common, not both.');
  if (id === undefined && !filtered) throw new UsageError('Give the id of a task, or what many have in common, as --queue slow.');
  const remote = await connect(options);
  if (id !== undefined) await one(remote, id);
  else await many(remote, name, filter, { yes, dryRun });
}

const DONE: Readonly<Record<TaskAction, string>> = { cancel: 'canceled', retry: 'retried', delete: 'deleted' };

/** Nobody means hundreds of tasks by mistake: without --yes it asks, with their number. Throws UsageError where nobody can answer. */
async function many(
  { client, out }: Remote,
  name: TaskAction,
  filter: ActionFilter,
  { yes, dryRun }: { yes: boolean; dryRun: boolean },
): Promise<void> {
  if (dryRun || !yes) {
    const found = await client.act(name, filter, { dryRun: true });
    const count = `${found.count}${found.countCapped ? ' or more' : ''}`;
    if (dryRun) out.data({ action: name, dryRun, ...found }, () => `${count} would be ${DONE[name]}.`);
    if (dryRun || !(await mayGoOn(`${name} ${count} ${found.count === 1 ? 'task' : 'tasks'}`, { yes }))) return;
  }
  const acted = await client.act(name, filter);
  out.data({ action: name, dryRun: false, ...acted }, () => tell(name, acted));
  for (const { task, code, detail } of out.json ? [] : acted.problems) out.note(`  ${task}: ${detail} (${code})`);
}

function tell(name: TaskAction, { count, kept }: Acted): string {
  const why = {
    cancel: 'they have ended meanwhile',
    retry: 'they were retried before, or cannot be',
    delete: 'their group, or the task that spawned them, is open, or they have just ended',
  }[name];
  return `${count} ${DONE[name]}${kept > 0 ? `, ${kept} kept: ${why}` : ''}.`;
}

import type { Command } from 'commander';

import type { GroupView } from '../../client/views.js';
import { STATES } from '../../core/state.js';
import { integerBetween, jsonObject, seconds } from '../arguments.js';
import { mayGoOn, YES } from '../ask.js';
import { EXIT } from '../exit-codes.js';
import { connect, remoteOptions, type Remote, type RemoteOptions } from '../remote.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';

interface WaitFlags {
  wait?: boolean;
  timeout?: number;
}

/** `interlock group …` and `interlock workflow run`: tasks that belong together. */
export function groupCommands(program: Command): void {
  const group = program.command('group').description('tasks that belong together');
  watchOption(remoteOptions(group.command('list').description('newest first')))
    .option('--limit <n>', 'at most 500', integerBetween(1, 500), 50)
    .action(list);
  watchOption(remoteOptions(group.command('show <id>').description('what has become of its members'))).action(
    async (id: string, options: RemoteOptions & WatchOptions) => {
      const { client, out } = await connect(options);
      await showing(options, out, () => client.groups.get(id), told);
    },
  );
  remoteOptions(
    group.command('create [name]').description('one to be named by the tasks that belong to it (task run --group)'),
  ).action(async (name: string | undefined, options: RemoteOptions) => {
    const { client, out } = await connect(options);
    const created = await client.groups.create(name === undefined ? {} : { name });
    out.data(created, () => created.id);
  });
  remoteOptions(group.command('cancel <id>').description('every member that has not ended'))
    .option(...YES)
    .action(async (id: string, options: RemoteOptions & { yes?: boolean }) => {
      const { client, out } = await connect(options);
      const { name, total, done } = await client.groups.get(id);
      if (done < total && !(await mayGoOn(`cancel ${total - done} tasks of ${name}`, options))) return;
      const canceled = await client.groups.cancel(id);
      out.data(canceled, () => lineOf(canceled));
    });
  addWorkflow(program);
}

function addWorkflow(program: Command): void {
  const workflow = program.command('workflow').description('tasks that come after one another');
  remoteOptions(workflow.command('run').description('submit all of its tasks, or none'))
    .argument(
      '<workflow>',
      '@FILE or JSON: {"name": "…", "tasks": {"a": {"name": "…"}, "b": {"name": "…", "after": ["a"]}}}',
      jsonObject,
    )
    .option('--wait', 'until all have ended; exit code 3 when one failed, 4 when one was canceled or skipped')
    .option('--timeout <seconds>', 'with --wait: give up after this long (exit code 5)', seconds)
    .action(async (body: Parameters<Remote['client']['submitWorkflow']>[0], options: RemoteOptions & WaitFlags) => {
      const { client, out } = await connect(options);
      const submitted = await client.submitWorkflow(body);
      const { id, members } = submitted;
      if (!options.wait) {
        const ids = Object.fromEntries(Object.entries(members).map(([node, handle]) => [node, handle.id]));
        out.data({ id, members: ids }, () => [id, ...Object.entries(ids).map(([node, task]) => `  ${node}  ${task}`)].join('\n'));
        return;
      }
      out.note(`${id}  waits for ${Object.keys(members).length} tasks`);
      const ended = await submitted.wait(options.timeout === undefined ? {} : { timeout: options.timeout });
      process.exitCode = exitCodeOf(ended);
      const text = await told(ended);
      out.data(ended, () => text);
    });
}

function exitCodeOf({ counts }: GroupView): number {
  if (counts.failed > 0) return EXIT.taskFailed;
  return counts.canceled + counts.skipped > 0 ? EXIT.taskCanceled : EXIT.ok;
}

async function list({ limit, ...options }: RemoteOptions & WatchOptions & { limit: number }): Promise<void> {
  const { client, out } = await connect(options);
  const { ago, table } = await import('../output.js');
  await showing(
    options,
    out,
    () => client.groups.list({ limit }),
    page => {
      if (page.next !== null) out.note('There are more; raise --limit.');
      const rows = page.items.map(group => [
        group.id,
        group.name,
        group.kind,
        `${group.done}/${group.total}`,
        countsOf(group),
        ago(group.createdAt),
      ]);
      return table(['ID', 'NAME', 'KIND', 'DONE', 'STATES', 'AGE'], rows, 'No groups.');
    },
  );
}

async function told(group: GroupView): Promise<string> {
  const { details } = await import('../output.js');
  const { id, name, kind, createdAt, correlationId } = group;
  return details({ id, name, kind, createdAt, correlationId, done: `${group.done} of ${group.total}`, states: countsOf(group) });
}

function lineOf(group: GroupView): string {
  return `${group.id}  ${group.name}  ${group.done} of ${group.total} ended (${countsOf(group)})`;
}

/** `2 running, 1 failed`: only states that have some. */
function countsOf({ counts }: GroupView): string {
  return STATES.filter(state => counts[state] > 0)
    .map(state => `${counts[state]} ${state}`)
    .join(', ');
}

import { InvalidArgumentError, type Command } from 'commander';

import type { Client } from '../../client/client.js';
import type { ScheduleView } from '../../client/views.js';
import { MissingResource } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { integerBetween, seconds } from '../arguments.js';
import { mayGoOn, YES } from '../ask.js';
import { connect, remoteOptions, type RemoteOptions } from '../remote.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';
import { addAdd, addEdit, ruleTextOf } from './schedule-changes.js';

/** `interlock schedule …` */
export function scheduleCommands(program: Command): void {
  const schedule = program.command('schedule').description('periodic tasks');
  watchOption(remoteOptions(schedule.command('list').description('all of them'))).action(
    async (options: RemoteOptions & WatchOptions) => {
      const { client, out } = await connect(options);
      const { table } = await import('../output.js');
      const read = async (): Promise<{ items: ScheduleView[] }> => ({ items: await all(client) });
      await showing(options, out, read, ({ items }) => {
        const rows = items.map(item => [item.id, item.name, nameOfTask(item.task), ruleTextOf(item), stateOf(item)]);
        return table(['ID', 'NAME', 'TASK', 'WHEN', 'NEXT'], rows, 'No schedules.');
      });
    },
  );
  addAdd(schedule);
  addEdit(schedule, byIdOrName);
  remoteOptions(schedule.command('rm <schedule>').description('by id or name; its past tasks stay'))
    .option(...YES)
    .action(async (wanted: string, options: RemoteOptions & { yes?: boolean }) => {
      const { client, out } = await connect(options);
      const found = await byIdOrName(client, wanted);
      if (!(await mayGoOn(`remove the schedule ${found.name}`, options))) return;
      await client.schedules.remove(found.id);
      out.data({ removed: found.id }, () => `Removed the schedule ${found.name}.`);
    });
  addStates(schedule);
  addNext(schedule);
}

function addStates(schedule: Command): void {
  remoteOptions(schedule.command('pause <schedule>').description('no slot makes a task any more'))
    .option('--reason <text>', 'shown with it', reason)
    .action(async (wanted: string, options: RemoteOptions & { reason?: string }) => {
      const { client, out } = await connect(options);
      const paused = await client.schedules.pause((await byIdOrName(client, wanted)).id, options.reason);
      out.data(paused, () => `${paused.name}  ${stateOf(paused)}`);
    });
  remoteOptions(schedule.command('resume <schedule>').description('from the next slot on; nothing is made up for')).action(
    async (wanted: string, options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const resumed = await client.schedules.resume((await byIdOrName(client, wanted)).id);
      out.data(resumed, () => `${resumed.name}  next ${stateOf(resumed)}`);
    },
  );
  remoteOptions(schedule.command('run <schedule>').description('submit its task now, beside its slots')).action(
    async (wanted: string, options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const task = await client.schedules.run((await byIdOrName(client, wanted)).id);
      out.data(task, () => `${task.id}  ${task.name}  ${task.state}`);
    },
  );
}

function addNext(schedule: Command): void {
  remoteOptions(schedule.command('next <schedule>').description('its next slots, and whom they meet over the same resources'))
    .option('--count <n>', 'how many', integerBetween(1, 50))
    .option('--within <seconds>', 'on either side of a slot (60)', seconds)
    .action(async (wanted: string, options: RemoteOptions & { count?: number; within?: number }) => {
      const { client, out } = await connect(options);
      const { table } = await import('../output.js');
      const { id } = await byIdOrName(client, wanted);
      const { count, within } = options;
      const preview = await client.schedules.next(id, {
        ...(count !== undefined && { count }),
        ...(within !== undefined && { within }),
      });
      const met = preview.items.map(({ slot, local, conflicts }) => [
        slot,
        local,
        conflicts.map(each => `${each.schedule.name} over ${each.resources.join(', ')}`).join('; '),
      ]);
      out.data(preview, () => table(['SLOT', `IN ${preview.timezone}`, 'MEETS'], met, 'No slot is to come.'));
      if (!preview.complete) out.note('There are more schedules than were compared.');
    });
}

/** Every page. */
async function all(client: Client): Promise<ScheduleView[]> {
  const items: ScheduleView[] = [];
  for (let after: string | undefined; ;) {
    const page = await client.schedules.list(after === undefined ? {} : { after });
    items.push(...page.items);
    after = page.items.at(-1)?.id;
    if (page.next === null || after === undefined) return items;
  }
}

async function byIdOrName(client: Client, wanted: string): Promise<ScheduleView> {
  const items = await all(client);
  const found = items.find(item => item.id === wanted) ?? items.find(item => item.name === wanted);
  if (!found) throw new MissingResource(`Schedule ${wanted}`);
  return found;
}

function nameOfTask(task: unknown): string {
  const name = (task as JsonObject | undefined)?.name;
  return typeof name === 'string' ? name : '';
}

/** When it comes next, or why it does not. */
function stateOf({ nextAt, state, paused }: ScheduleView): string {
  if (typeof nextAt === 'string') return nextAt;
  const why = (paused as { reason?: string } | null | undefined)?.reason;
  if (why !== undefined) return `paused: ${why}`;
  return typeof state === 'string' ? state : '';
}

function reason(text: string): string {
  if (text.length >= 1 && text.length <= 500) return text;
  throw new InvalidArgumentError('Expected 1 to 500 characters.');
}

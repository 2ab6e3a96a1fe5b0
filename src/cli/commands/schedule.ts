import type { Command } from 'commander';

import { MissingResource } from '../../core/errors.js';
import type { Json, JsonObject } from '../../core/json.js';
import { collect, jsonArray, jsonObject, seconds } from '../arguments.js';
import { connect, remoteOptions, requestOptions, type RemoteOptions } from '../remote.js';

interface AddOptions extends RemoteOptions {
  every: number;
  args?: Json[];
  kwargs?: JsonObject;
  exclusive?: string[];
  shared?: string[];
  queue?: string;
  misfire?: string;
}

/** `interlock schedule …` */
export function scheduleCommands(program: Command): void {
  const schedule = program.command('schedule').description('periodic tasks');
  remoteOptions(schedule.command('list').description('all of them')).action(async (options: RemoteOptions) => {
    const { client, out } = await connect(options);
    const { table } = await import('../output.js');
    const page = await client.schedules.list();
    const rows = page.items.map(item => [item.id, item.name, nameOfTask(item.task), everyOf(item), textOf(item.nextAt)]);
    out.data(page, () => table(['ID', 'NAME', 'TASK', 'EVERY', 'NEXT'], rows, 'No schedules.'));
  });
  addAdd(schedule);
  remoteOptions(schedule.command('rm <schedule>').description('by id or name; its past tasks stay')).action(
    async (wanted: string, options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const found = (await client.schedules.list()).items.find(item => item.id === wanted || item.name === wanted);
      if (!found) throw new MissingResource(`Schedule ${wanted}`);
      await client.schedules.remove(found.id);
      out.data({ removed: found.id }, () => `Removed the schedule ${found.name}.`);
    },
  );
}

function addAdd(schedule: Command): void {
  remoteOptions(schedule.command('add <name> <task>').description('submit this task again and again'))
    .requiredOption('--every <seconds>', 'the interval, at least 1', seconds)
    .option('--args <json>', 'positional arguments: a JSON array, or @file', jsonArray)
    .option('--kwargs <json>', 'named input: a JSON object, or @file', jsonObject)
    .option('--exclusive <resource>', 'may be repeated', collect)
    .option('--shared <resource>', 'may be repeated', collect)
    .option('--queue <name>', 'where its workers listen')
    .option('--misfire <policy>', 'after a time without beats: one, all or skip')
    .action(async (name: string, task: string, options: AddOptions) => {
      const { client, out } = await connect(options);
      const { every, misfire, ...submit } = requestOptions(options);
      const body = { name, task: { name: task, ...submit }, interval: every, ...(misfire !== undefined && { misfire }) };
      const added = await client.schedules.add(body);
      out.data(added, () => `${added.id}  ${added.name}  every ${every} s`);
    });
}

function nameOfTask(task: unknown): string {
  return textOf((task as { name?: unknown } | undefined)?.name);
}

function everyOf(item: Record<string, unknown>): string {
  const interval = item.interval;
  return typeof interval === 'number' ? `${interval} s` : textOf(interval ?? item.cron ?? item.iso8601);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

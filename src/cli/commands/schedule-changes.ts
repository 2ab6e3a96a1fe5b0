import { InvalidArgumentError, type Command } from 'commander';

import type { Client } from '../../client/client.js';
import type { ScheduleView } from '../../client/views.js';
import type { Json, JsonObject } from '../../core/json.js';
import { collect, collectUnits, integerBetween, jsonArray, jsonObject, seconds } from '../arguments.js';
import { UsageError } from '../exit-codes.js';
import { connect, remoteOptions, requestOptions, type RemoteOptions } from '../remote.js';

/** Takes a limit away: null on its way to the API, which commander would turn into an empty text. */
const NONE = 'none';

/** Options that say when a schedule has its slots and what becomes of them. */
interface PlanOptions extends RemoteOptions {
  every?: number;
  anchor?: string;
  cron?: string;
  timezone?: string;
  iso8601?: string;
  misfire?: string;
  overlap?: string;
  failureThreshold?: number | typeof NONE;
  remainingRuns?: number | typeof NONE;
}

interface AddOptions extends PlanOptions {
  args?: Json[];
  kwargs?: JsonObject;
  exclusive?: string[];
  counted?: Record<string, number>;
  shared?: string[];
  queue?: string;
}

interface EditOptions extends PlanOptions {
  name?: string;
  task?: JsonObject;
}

export function addAdd(schedule: Command): void {
  const command = remoteOptions(schedule.command('add <name> <task>').description('submit this task again and again'));
  planOptions(command, integerBetween)
    .option('--args <json>', 'positional arguments: a JSON array, or @file', jsonArray)
    .option('--kwargs <json>', 'named input: a JSON object, or @file', jsonObject)
    .option('--exclusive <resource>', 'may be repeated', collect)
    .option('--shared <resource>', 'may be repeated', collect)
    .option('--counted <resource=units>', 'units of a resource; may be repeated', collectUnits)
    .option('--queue <name>', 'where its workers listen')
    .action(async (name: string, task: string, options: AddOptions) => {
      const { args, kwargs, exclusive, shared, counted, queue, ...plan } = options;
      const submit = Object.fromEntries(
        Object.entries({ name: task, args, kwargs, exclusive, shared, counted, queue }).filter(
          ([, value]) => value !== undefined,
        ),
      );
      const wish = planOf(plan);
      if (![wish.interval, wish.cron, wish.iso8601].some(rule => rule !== undefined))
        throw new UsageError('Say when: --every, --cron or --iso8601.');
      const { client, out } = await connect(options);
      const added = await client.schedules.add({ name, task: submit, ...wish } as JsonObject);
      out.data(added, () => `${added.id}  ${added.name}  ${ruleTextOf(added)}`);
    });
}

export function addEdit(schedule: Command, find: (client: Client, wanted: string) => Promise<ScheduleView>): void {
  const command = remoteOptions(schedule.command('edit <schedule>').description('change what is given, by id or name'));
  planOptions(command, orNone)
    .option('--name <name>', 'call it so')
    .option('--task <json>', 'the whole submit body: a JSON object, or @file', jsonObject)
    .action(async (wanted: string, options: EditOptions) => {
      const { name, task, ...plan } = options;
      const change = { ...planOf(plan), ...(name !== undefined && { name }), ...(task && { task }) };
      if (Object.keys(change).length === 0) throw new UsageError('Say what to change; see --help.');
      const { client, out } = await connect(options);
      const { id, revision } = await find(client, wanted);
      const changed = await client.schedules.update(id, change, typeof revision === 'number' ? revision : undefined);
      out.data(changed, () => `${changed.id}  ${changed.name}  ${ruleTextOf(changed)}`);
    });
}

type Reader = (min: number, max: number) => (text: string) => number | typeof NONE;

function planOptions(command: Command, count: Reader): Command {
  return command
    .option('--every <seconds>', 'an interval, at least 1', seconds)
    .option('--anchor <time>', 'the slots of --every lie on this time + n intervals')
    .option('--cron <expression>', 'minute hour day-of-month month day-of-week, as "0 2 * * *"')
    .option('--timezone <zone>', 'of --cron, as Europe/Berlin (UTC)')
    .option('--iso8601 <interval>', 'as R5/2026-01-01T00:00:00Z/PT1H')
    .option('--misfire <policy>', 'after a time without beats: one, all or skip')
    .option('--overlap <policy>', 'while the task of the slot before is open: allow, skip or cancel')
    .option('--failure-threshold <n>', 'so many failed runs in a row pause it', count(1, 100))
    .option('--remaining-runs <n>', 'so many slots make a task, no more', count(1, 1_000_000_000));
}

function orNone(min: number, max: number): (text: string) => number | typeof NONE {
  const read = integerBetween(min, max);
  return text => {
    if (text === NONE) return NONE;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}, or none.`);
    }
  };
}

function planOf(options: PlanOptions): JsonObject {
  const { every, ...rest } = requestOptions(options);
  const wish = Object.entries({ ...rest, ...(every !== undefined && { interval: every }) });
  return Object.fromEntries(wish.map(([name, value]) => [name, value === NONE ? null : value]));
}

export function ruleTextOf({ interval, cron, timezone, iso8601 }: ScheduleView): string {
  if (typeof interval === 'number') return `every ${interval} s`;
  if (typeof cron === 'string') return `${cron} (${typeof timezone === 'string' ? timezone : 'UTC'})`;
  return typeof iso8601 === 'string' ? iso8601 : '';
}

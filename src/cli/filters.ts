import type { Command } from 'commander';

import { collect } from './arguments.js';

/** Fields that choose tasks, in lists, streams and actions alike: what is given, and of what. */
const FIELDS = {
  state: ['state', 'states'],
  name: ['type', 'task types'],
  queue: ['queue', 'queues'],
  worker: ['worker', 'workers that run it, or ran it'],
  resource: ['resource', 'reserved by it'],
  tag: ['tag', 'tags'],
  group: ['id', 'groups and workflows'],
  parent: ['id', 'tasks that spawned it'],
  schedule: ['id', 'schedules'],
} as const;

/** One option for each of these fields; each may be repeated, which means or. */
export function filterOptions(command: Command, ...fields: (keyof typeof FIELDS)[]): Command {
  for (const field of fields) {
    const [value, meaning] = FIELDS[field];
    command.option(`--${field} <${value}>`, `${meaning}; may be repeated`, collect);
  }
  return command;
}

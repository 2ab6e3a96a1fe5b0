import type { Command } from 'commander';

import type { EventFilter, StreamEvent } from '../../client/client.js';
import { filterOptions } from '../filters.js';
import { connect, remoteOptions, requestOptions, type Remote, type RemoteOptions } from '../remote.js';
import { stateOf } from '../task-state.js';

interface EventOptions extends RemoteOptions, EventFilter {
  task?: string;
}

/** `interlock events`: one line for each change, as it happens. */
export function eventCommand(program: Command): void {
  const command = program.command('events').description('follow what changes; with --task until that has ended');
  remoteOptions(command).option('--task <id>', 'only this one, from how it is now');
  filterOptions(command, 'state', 'name', 'queue', 'worker', 'tag', 'group', 'parent').action(async (options: EventOptions) =>
    followEvents(await connect(options), requestOptions(options)),
  );
}

async function followEvents(
  { client, out }: Remote,
  { task, ...filter }: Omit<EventOptions, keyof RemoteOptions>,
): Promise<void> {
  const { UsageError } = await import('../exit-codes.js');
  const { plain } = await import('../output.js');
  const [more] = Object.keys(filter);
  if (task !== undefined && more !== undefined) throw new UsageError(`--task names one task: --${more} chooses nothing any more`);
  const leaving = new AbortController();
  process.once('SIGINT', () => leaving.abort());
  const options = { signal: leaving.signal };
  const events = task === undefined ? client.events(filter, options) : client.task(task).events(options);
  for await (const event of events) out.data(event, () => plain(lineOf(event)));
}

function lineOf(event: StreamEvent): string {
  if (event.kind === 'resync') return `-- events may be missing here: ${event.detail}`;
  const { task } = event;
  const bars = (task.progress ?? []).map(({ message, done, total }) => `${message} ${done}${total === null ? '' : `/${total}`}`);
  const what = event.kind === 'progress' ? bars.join(', ') : stateOf(task);
  return `${task.at}  ${task.id.slice(0, 13)}  ${task.name}  ${what}`;
}

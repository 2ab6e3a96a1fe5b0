import type { Command } from 'commander';

import { connect, remoteOptions, type RemoteOptions } from '../remote.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';

/** `interlock queue list`: what waits in each queue, and who takes it. */
export function queueCommands(program: Command): void {
  const queue = program.command('queue').description('the queues that workers take tasks from');
  watchOption(
    remoteOptions(queue.command('list').description('depth, consumers, and how long the oldest task has waited')),
  ).action(async (options: RemoteOptions & WatchOptions) => {
    const { client, out } = await connect(options);
    const { ago, table } = await import('../output.js');
    await showing(
      options,
      out,
      () => client.queues(),
      ({ items }) => {
        const rows = items.map(({ name, messages, consumers, waiting, oldest }) => [
          ...[name, waiting, oldest === null ? null : ago(oldest)],
          ...[messages ?? 'unknown', consumers ?? 'unknown'],
        ]);
        return table(['QUEUE', 'WAITING', 'OLDEST', 'HINTS', 'CONSUMERS'], rows, 'No queues.');
      },
    );
  });
}

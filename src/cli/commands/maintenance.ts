import type { Command } from 'commander';

import type { MaintenanceView } from '../../client/client.js';
import { seconds } from '../arguments.js';
import { connect, remoteOptions, type Remote, type RemoteOptions } from '../remote.js';
import type { DrainOptions } from '../drain.js';

/** Whether new tasks are taken: `maintenance on|off|show`, and `drain`. */
export function maintenanceCommands(program: Command): void {
  const maintenance = program.command('maintenance').description('take no new tasks, or take them again');
  remoteOptions(maintenance.command('on').description('refuse new tasks with 503; what was accepted goes on'))
    .option('--reason <text>', 'shown to whoever is refused')
    .action(async (options: RemoteOptions & { reason?: string }) => {
      const remote = await connect(options);
      show(remote, await remote.client.maintenance.on(options.reason));
    });
  remoteOptions(maintenance.command('off').description('take new tasks again')).action(async (options: RemoteOptions) => {
    const remote = await connect(options);
    show(remote, await remote.client.maintenance.off());
  });
  remoteOptions(maintenance.command('show').description('whether it is on, and what has not ended')).action(
    async (options: RemoteOptions) => {
      const remote = await connect(options);
      show(remote, await remote.client.maintenance.get());
    },
  );
  remoteOptions(program.command('drain').description('take no new tasks and wait until every task has ended'))
    .option('--timeout <s>', 'give up after so many seconds, with exit code 5; acceptance stays off', seconds)
    .option('--reason <text>', 'shown to whoever is refused')
    .option('--leave-delayed', 'be content when nothing is left but what waits for a delay or a retry, and what comes after it')
    .option('--cancel-delayed', 'cancel what waits for a delay or a retry that ends in more than a minute')
    .option('--resume', 'take new tasks again, and wait for nothing')
    .action(async (options: RemoteOptions & DrainOptions & { resume?: boolean }) => {
      const remote = await connect(options);
      if (options.resume) return show(remote, await remote.client.maintenance.off());
      return (await import('../drain.js')).drain(remote, options);
    });
}

function show({ out }: Remote, view: MaintenanceView): void {
  const why = view.reason === null ? '' : ` (${view.reason})`;
  out.data(view, () => (view.on ? `New tasks are refused since ${view.since ?? ''}${why}.` : 'New tasks are taken.'));
}

import { Option, type Command } from 'commander';

import type { WorkerFlags } from '../../main/worker.js';
import { collectNames, integerBetween } from '../arguments.js';

/** The processes themselves. Each command becomes the role: it serves until a signal ends it. */
export function roleCommands(program: Command): void {
  named(program.command('api').description('serve the REST API'))
    .option('--host <host>', 'where to listen (INTERLOCK_API_HOST)')
    .option('--port <port>', 'where to listen (INTERLOCK_API_PORT)', integerBetween(0, 65_535))
    .option('--or-any-port', 'take any free port when that one is in use')
    .action(async (options: { name?: string; host?: string; port?: number; orAnyPort?: boolean }) =>
      (await import('../../main/api.js')).runApi(options),
    );
  named(program.command('worker').description('run tasks'))
    .option('-Q, --queues <names>', 'queues to take tasks from, as a,b', collectNames)
    .option('-c, --concurrency <n>', 'tasks at a time', integerBetween(1, 2_000))
    .addOption(new Option('--pool <kind>', 'a child process for each task, or one for all').choices(['prefork', 'async']))
    .action(async (options: WorkerFlags) => (await import('../../main/worker.js')).runWorker(options));
  named(program.command('resource-manager').description('grant reservations')).action(async (options: { name?: string }) =>
    (await import('../../main/resource-manager.js')).runResourceManager(options),
  );
  named(program.command('beat').description('create the tasks of schedules, sweep up after lost workers')).action(
    async (options: { name?: string }) => (await import('../../main/beat.js')).runBeat(options),
  );
  program
    .command('dev')
    .description('all roles in one terminal, with servers of its own unless some are named')
    .option('--port <port>', 'where the API listens (INTERLOCK_API_PORT)', integerBetween(0, 65_535))
    .option('-c, --concurrency <n>', 'tasks at a time', integerBetween(1, 512))
    .action(async (options: { port?: number; concurrency?: number }) => (await import('../../main/dev.js')).runDev(options));
  program
    .command('manage-db')
    .description('create indexes and queues, raise the schema after an update; safe to repeat')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (options: { json?: boolean }) => {
      const { manageDb } = await import('../../main/manage-db.js');
      const { createOutput } = await import('../output.js');
      const report = await manageDb();
      const { upgraded } = report;
      const raised = upgraded ? [`raised the schema from ${upgraded.from} to ${upgraded.to}`] : [];
      const done = [
        ...raised,
        ...report.created.map(what => `created ${what}`),
        ...report.dropped.map(what => `dropped ${what}`),
      ];
      createOutput(options).data(report, () => (done.length === 0 ? 'Everything was there.' : done.join('\n')));
    });
}

function named(command: Command): Command {
  return command.option('-n, --name <name>', 'unique among live processes; %h stands for the host name');
}

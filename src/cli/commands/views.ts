import type { Command } from 'commander';

import type { ProcessView } from '../../client/client.js';
import { EXIT } from '../exit-codes.js';
import { connect, remoteOptions, type RemoteOptions } from '../remote.js';

/** What is there and how it does: `status`, `workers list`, `resource show`, `openapi`. */
export function viewCommands(program: Command): void {
  remoteOptions(program.command('status').description('whether everything that is needed is there (exit code 1 if not)')).action(
    status,
  );
  const workers = program.command('workers').description('the workers');
  remoteOptions(workers.command('list').description('all of them, with what they run')).action(listWorkers);
  const resource = program.command('resource').description('the resources that tasks reserve');
  remoteOptions(resource.command('show <name>').description('who holds it, and who waits for it in which order')).action(
    async (name: string, options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const { details } = await import('../output.js');
      const found = await client.resource(name);
      out.data(found, () => details(found));
    },
  );
  program
    .command('openapi')
    .description('the OpenAPI 3.1 document of the API')
    .option('--url <url>', 'where the API is (INTERLOCK_URL, http://127.0.0.1:8787)')
    .action(async (options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const document = await client.openapi();
      out.data(document, () => JSON.stringify(document, undefined, 2));
    });
}

async function status(options: RemoteOptions): Promise<void> {
  const { client, out } = await connect(options);
  const { table } = await import('../output.js');
  const view = await client.status();
  if (!view.healthy) process.exitCode = EXIT.error;
  const rows = [
    ...view.workers.map(process => processRow('worker', process)),
    ...view.resourceManagers.map(process => processRow('resource-manager', process)),
    ...view.beats.map(process => processRow('beat', process)),
  ];
  out.data(view, () =>
    [
      view.healthy
        ? out.paint.green('healthy')
        : [out.paint.red('not healthy'), ...view.reasons.map(reason => `  ${reason}`)].join('\n'),
      table(['ROLE', 'NAME', 'STATE', 'LEADS'], rows, 'No processes.'),
    ].join('\n'),
  );
}

function processRow(role: string, process: ProcessView): (string | null)[] {
  return [role, process.name, textOf(process.state), process.leading === true ? 'yes' : null];
}

async function listWorkers(options: RemoteOptions): Promise<void> {
  const { client, out } = await connect(options);
  const { table } = await import('../output.js');
  const page = await client.workers();
  const rows = page.items.map(worker => [
    worker.name,
    textOf(worker.state),
    textOf(worker.slots),
    Array.isArray(worker.queues) ? (worker.queues as string[]).join(', ') : null,
    Array.isArray(worker.tasks) ? worker.tasks.length : null,
  ]);
  out.data(page, () => table(['NAME', 'STATE', 'SLOTS', 'QUEUES', 'RUNNING'], rows, 'No workers.'));
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

import type { Command } from 'commander';

import type { ProcessView, StatusView } from '../../client/client.js';
import { integerBetween } from '../arguments.js';
import { EXIT, UsageError } from '../exit-codes.js';
import { plain } from '../output.js';
import { addressOptions, connect, remoteOptions, type RemoteOptions } from '../remote.js';
import { resourceCommands } from './resource.js';
import { showing, watchOption, type WatchOptions } from '../watch.js';

/** What is there and how it does: `status`, `resource …`, `openapi`. */
export function viewCommands(program: Command): void {
  watchOption(
    remoteOptions(program.command('status').description('whether everything that is needed is there (exit code 1 if not)')),
  ).action(status);
  const resource = program.command('resource').description('the resources that tasks reserve');
  resourceCommands(resource);
  watchOption(
    remoteOptions(resource.command('show <name>').description('who holds it, and who waits for it in which order')),
  ).action(async (name: string, options: RemoteOptions & WatchOptions) => {
    const { client, out } = await connect(options);
    const { details } = await import('../output.js');
    await showing(options, out, () => client.resource(name), details);
  });
  remoteOptions(resource.command('capacity').description('how many units of it there are, for tasks that count it'))
    .argument('<name>')
    .argument('[units]', 'from now on there are so many', integerBetween(1, 1_000_000))
    .option('--remove', 'nobody may count it any more')
    .action(capacity);
  addressOptions(program.command('openapi').description('the OpenAPI 3.1 document of the API')).action(
    async (options: RemoteOptions) => {
      const { client, out } = await connect(options);
      const document = await client.openapi();
      out.data(document, () => JSON.stringify(document, undefined, 2));
    },
  );
}

async function capacity(name: string, units: number | undefined, options: RemoteOptions & { remove?: boolean }): Promise<void> {
  if (units !== undefined && options.remove) throw new UsageError('Give either a number of units or --remove.');
  const wanted = options.remove ? null : units;
  const { client, out } = await connect(options);
  if (wanted !== undefined) await client.setCapacity(name, wanted);
  const found = await client.resource(name);
  const counted = `${textOf(found.capacity) ?? 'no'} units, ${textOf(found.held) ?? '0'} held`;
  out.data(found, () => `${found.name}  ${counted}`);
}

async function status(options: RemoteOptions & WatchOptions): Promise<void> {
  const { client, out } = await connect(options);
  const { table } = await import('../output.js');
  const read = async (): Promise<StatusView> => {
    const view = await client.status();
    process.exitCode = view.healthy ? EXIT.ok : EXIT.error;
    return view;
  };
  await showing(options, out, read, view => {
    const rows = [
      ...view.workers.map(process => processRow('worker', process)),
      ...view.resourceManagers.map(process => processRow('resource-manager', process)),
      ...view.beats.map(process => processRow('beat', process)),
    ];
    const verdict = view.healthy
      ? out.paint.green('healthy')
      : [out.paint.red('not healthy'), ...view.reasons.map(reason => `  ${reason}`)].join('\n');
    const closed = view.maintenance ? [out.paint.yellow(closedText(view.maintenance))] : [];
    return [verdict, ...closed, table(['ROLE', 'NAME', 'STATE', 'LEADS'], rows, 'No processes.')].join('\n');
  });
}

function closedText({ since, reason }: NonNullable<StatusView['maintenance']>): string {
  return `maintenance: no new tasks are taken since ${since}${reason === null ? '' : ` (${plain(reason)})`}`;
}

function processRow(role: string, process: ProcessView): (string | null)[] {
  return [role, process.name, textOf(process.state), process.leading === true ? 'yes' : null];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

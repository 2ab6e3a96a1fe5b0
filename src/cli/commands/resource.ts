import type { Command } from 'commander';

import { integerBetween } from '../arguments.js';
import { mayGoOn, YES } from '../ask.js';
import { connect, remoteOptions, type RemoteOptions } from '../remote.js';

/** Of `interlock resource`: what is in use, and how it is taken back. */
export function resourceCommands(resource: Command): void {
  remoteOptions(resource.command('list').description('those that somebody holds or waits for, in order of name'))
    .option('--limit <n>', 'so many (50)', integerBetween(1, 100))
    .option('--after <name>', 'those behind this one')
    .action(list);
  remoteOptions(resource.command('release <name>').description('cancel every task that holds it, so that the next one gets it'))
    .option(...YES)
    .action(release);
}

async function list(options: RemoteOptions & { limit?: number; after?: string }): Promise<void> {
  const { limit, after } = options;
  const { client, out } = await connect(options);
  const { ago, table } = await import('../output.js');
  const page = await client.resources({ ...(limit !== undefined && { limit }), ...(after !== undefined && { after }) });
  const rows = page.items.map(({ name, holders, holding, waiting, oldest }) => {
    const [first] = holders;
    const others = holding > 1 ? ` and ${holding - 1} more` : '';
    const who = first ? `${first.task}${first.worker === null ? '' : ` on ${first.worker}`}${others}` : null;
    return [name, who, first ? ago(first.since) : null, waiting, oldest === null ? null : ago(oldest)];
  });
  out.data(page, () => table(['NAME', 'HELD BY', 'FOR', 'WAITING', 'OLDEST'], rows, 'Nobody holds anything, or waits for it.'));
  if (page.next !== null) out.note(`There are more: --after ${page.items.at(-1)?.name ?? ''}`);
}

async function release(name: string, options: RemoteOptions & { yes?: boolean }): Promise<void> {
  const { client, out } = await connect(options);
  if (!(await mayGoOn(`cancel every task that holds "${name}" (interlock resource show shows them)`, options))) return;
  const released = await client.releaseResource(name);
  const { canceled } = released;
  out.data(released, () => (canceled.length === 0 ? 'They had just ended.' : `Canceled: ${canceled.join(', ')}`));
}

import { InvalidArgumentError, Option, type Command } from 'commander';

import type { Tokens } from '../../client/client.js';
import type { TokenView } from '../../client/views.js';
import { ACCESS_ROLES, type AccessRole } from '../../core/access.js';
import { MissingResource } from '../../core/errors.js';
import { createOutput, type Output } from '../output.js';
import { connect, remoteOptions, type RemoteOptions } from '../remote.js';

interface TokenOptions extends RemoteOptions {
  direct?: boolean;
}

const ABOUT = `
The first one, while no API could be asked for it: interlock token create root --role admin --direct

A token is shown once, when it is made. Commands and clients send the one in INTERLOCK_TOKEN.
Roles, each with those before it: read, submit (and cancel), operate (workers, schedules, purge), admin.`;

/** `interlock token …` */
export function tokenCommands(program: Command): void {
  const token = program.command('token').description('who may use the API, and for what').addHelpText('after', ABOUT);
  tokenOptions(token.command('create <name>').description('make a token; it is shown only now'))
    .addOption(new Option('--role <role>', 'what its holder may do').choices(ACCESS_ROLES).makeOptionMandatory())
    .option('--expires <when>', 'seconds from now, a duration as P90D, or a time; else it never does', moment)
    .action(create);
  tokenOptions(token.command('list').description('all of them')).action((options: TokenOptions) => withTokens(options, list));
  tokenOptions(token.command('show <token>').description('one of them, by name or id')).action(
    (wanted: string, options: TokenOptions) =>
      withTokens(options, async (tokens, out) => {
        const { details } = await import('../output.js');
        const found = await byNameOrId(tokens, wanted);
        out.data(found, () => details({ ...found }));
      }),
  );
  tokenOptions(token.command('revoke <token>').description('by name or id; it is refused within ten seconds')).action(
    (wanted: string, options: TokenOptions) =>
      withTokens(options, async (tokens, out) => {
        const found = await byNameOrId(tokens, wanted);
        await tokens.revoke(found.id);
        out.data({ revoked: found.id, name: found.name }, () => `Revoked the token ${found.name}.`);
      }),
  );
}

function tokenOptions(command: Command): Command {
  return remoteOptions(command).option('--direct', 'in the database that the settings name, without an API and a token');
}

async function create(name: string, options: TokenOptions & { role: AccessRole; expires?: number | string }): Promise<void> {
  const { role, expires } = options;
  await withTokens(options, async (tokens, out) => {
    const made = await tokens.create({ name, role, ...(expires !== undefined && { expires }) });
    out.data(made, () => made.token);
    const until = made.expiresAt === null ? '' : `, until ${made.expiresAt}`;
    out.note(
      `This is the token ${made.name} (${made.role}${until}). Keep it: it is shown only now. Commands take it from INTERLOCK_TOKEN.`,
    );
  });
}

async function list(tokens: Tokens, out: Output): Promise<void> {
  const { table } = await import('../output.js');
  const items = await all(tokens);
  const rows = items.map(each => [
    each.name,
    each.role,
    each.hint,
    each.createdAt,
    each.createdBy,
    each.expired ? `expired ${each.expiresAt ?? ''}` : (each.expiresAt ?? 'never'),
    each.lastUsedAt ?? 'never',
  ]);
  out.data({ items }, () => table(['NAME', 'ROLE', 'BEGINS', 'MADE', 'BY', 'EXPIRES', 'LAST USED'], rows, 'No tokens.'));
}

/** On the API, or on the database itself. */
async function withTokens(options: TokenOptions, work: (tokens: Tokens, out: Output) => Promise<void>): Promise<void> {
  if (options.direct !== true) {
    const { client, out } = await connect(options);
    await work(client.tokens, out);
    return;
  }
  const { openDirectTokens } = await import('../../main/direct-tokens.js');
  const { tokens, close } = await openDirectTokens();
  try {
    await work(tokens, createOutput(options));
  } finally {
    await close();
  }
}

async function all(tokens: Tokens): Promise<TokenView[]> {
  const items: TokenView[] = [];
  for (let after: string | undefined; ;) {
    const page = await tokens.list(after === undefined ? {} : { after });
    items.push(...page.items);
    after = page.items.at(-1)?.id;
    if (page.next === null || after === undefined) return items;
  }
}

async function byNameOrId(tokens: Tokens, wanted: string): Promise<TokenView> {
  const found = (await all(tokens)).find(({ id, name }) => id === wanted || name === wanted);
  if (!found) throw new MissingResource(`Token ${wanted}`);
  return found;
}

function moment(text: string): number | string {
  if (text === '') throw new InvalidArgumentError('Expected seconds, a duration as P90D, or a time.');
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

import { resolve } from 'node:path';

import type { Command } from 'commander';

import { UsageError } from '../exit-codes.js';
import { createOutput, table } from '../output.js';
import { checkedName, profileNamed, profilesFile, readProfiles, writeProfiles, type Profile } from '../profiles.js';

interface AddOptions {
  url: string;
  tokenFrom?: string;
  caFile?: string;
  certificateFile?: string;
  keyFile?: string;
  json?: boolean;
}

const JSON_OPTION = ['--json', 'one line of JSON, also on a terminal'] as const;

/** `interlock profile …`: deployments under names, with their tokens, in a file of this user alone. */
export function profileCommands(program: Command): void {
  const profile = program
    .command('profile')
    .description('deployments under names: address and token, in a file that only you can read');
  profile
    .command('add <name>')
    .description('note one, or change it; the first is used from then on')
    .requiredOption('--url <url>', 'where its API is')
    .option(
      '--token-from <file>',
      'a file that holds its bearer token; - reads it from standard input (a token on the command line is seen by everybody)',
    )
    .option('--ca-file <file>', 'certificates (PEM) of the authority of an https address')
    .option('--certificate-file <file>', 'client certificate (PEM), where the API asks for one')
    .option('--key-file <file>', 'its key (PEM); without: it stands in the same file')
    .option(...JSON_OPTION)
    .action(add);
  profile
    .command('list')
    .description('all of them; tokens are not shown')
    .option(...JSON_OPTION)
    .action((options: { json?: boolean }) => {
      const { current, profiles } = readProfiles();
      const items = Object.entries(profiles).map(([name, { url, token }]) => ({
        ...{ name, url, token: token !== undefined, current: name === current },
      }));
      const rows = items.map(each => [each.name, each.url, each.token ? 'yes' : 'no', each.current ? 'yes' : null]);
      createOutput(options).data({ file: profilesFile(), items }, () =>
        table(['NAME', 'URL', 'TOKEN', 'IN USE'], rows, 'No profiles.'),
      );
    });
  profile
    .command('use <name>')
    .description('where neither --url, --profile nor a variable names another one')
    .option(...JSON_OPTION)
    .action((name: string, options: { json?: boolean }) => {
      const known = readProfiles();
      const { url } = profileNamed(name, known);
      writeProfiles({ ...known, current: name });
      createOutput(options).data({ name, url, current: true }, () => `From now on: ${name} (${url}).`);
    });
  profile
    .command('rm <name>')
    .description('forget it')
    .option(...JSON_OPTION)
    .action((name: string, options: { json?: boolean }) => {
      const { current, profiles } = readProfiles();
      profileNamed(name, { profiles });
      const rest = Object.fromEntries(Object.entries(profiles).filter(([each]) => each !== name));
      writeProfiles({ ...(current !== undefined && current !== name && { current }), profiles: rest });
      createOutput(options).data({ removed: name }, () => `Removed the profile ${name}.`);
    });
}

async function add(name: string, { url, tokenFrom, json, ...files }: AddOptions): Promise<void> {
  const [{ createClient }, { clientOptions }] = await Promise.all([import('../../client/client.js'), import('../address.js')]);
  const paths = Object.entries(files).map(([option, path]) => [option, resolve(path)]);
  const token = tokenFrom === undefined ? {} : { token: await tokenIn(tokenFrom) };
  const profile: Profile = { url, ...token, ...(Object.fromEntries(paths) as Partial<Profile>) };
  try {
    profile.url = createClient(clientOptions(profile)).url;
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
  const known = readProfiles();
  const profiles = { ...known.profiles, [checkedName(name)]: profile };
  const current = known.current ?? name;
  writeProfiles({ current, profiles });
  const said = `${name} is noted in ${profilesFile()}${current === name ? ', and in use' : `; use it with: interlock profile use ${name}`}.`;
  createOutput({ json }).data(
    { name, url: profile.url, token: profile.token !== undefined, current: current === name },
    () => said,
  );
}

async function tokenIn(file: string): Promise<string> {
  const { readFileSync } = await import('node:fs');
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--token-from ${file} cannot be read: ${(error as Error).message}`);
  }
  if (/^[\x21-\x7e]{1,4096}$/.test(text)) return text;
  throw new UsageError(`--token-from ${file}: expected one line of printable characters without spaces.`);
}

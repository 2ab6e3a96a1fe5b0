import { Argument, type Command } from 'commander';

import type { Client } from '../../client/client.js';
import { VALUE_KINDS, type ValueKind } from '../completion.js';
import { addressOptions, connect, type RemoteOptions } from '../remote.js';

/** Whoever pressed Tab waits no longer. */
const PATIENCE_MS = 1_000;
const MOST = 50;

/** `interlock completion bash|zsh|fish`: a script for the shell, made from the commands that there are. */
export function completionCommand(program: Command): void {
  const completion = program.command('completion').description('a script that completes commands, options and ids in a shell');
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    completion
      .command(shell)
      .description(`the script for ${shell}`)
      .action(async () => {
        const { bashScript, fishScript, placesOf, zshScript } = await import('../completion.js');
        const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
        process.stdout.write(scripts[shell](placesOf(program)));
      });
  }
  addressOptions(completion.command('values', { hidden: true }).description('what the scripts ask for, one a line'))
    .addArgument(new Argument('<kind>').choices(VALUE_KINDS))
    .action(async (kind: ValueKind, options: RemoteOptions) => {
      const values = await quickly(valuesOf(kind, options));
      // At once: a request that is still under way is of no interest any more.
      process.stdout.write(values.map(value => `${value}\n`).join(''), () => process.exit(0));
    });
}

/** An API that does not answer, or refuses, has nothing to offer. */
async function quickly(asking: Promise<string[]>): Promise<string[]> {
  const { setTimeout: sleep } = await import('node:timers/promises');
  return Promise.race([asking.catch(() => []), sleep(PATIENCE_MS, [], { ref: false })]);
}

async function valuesOf(kind: ValueKind, options: RemoteOptions): Promise<string[]> {
  if (kind === 'profiles') return Object.keys((await import('../profiles.js')).readProfiles().profiles);
  const { client } = await connect(options);
  const found = await ASK[kind](client);
  // A shell would split, expand or run anything else.
  return found.filter(value => /^[A-Za-z0-9_.@:%+-]+$/.test(value)).slice(0, MOST);
}

const ASK: Readonly<Record<Exclude<ValueKind, 'profiles'>, (client: Client) => Promise<string[]>>> = {
  tasks: async client => (await client.list({ limit: MOST, fields: 'id' })).items.map(({ id }) => id),
  schedules: async client => (await client.schedules.list({ limit: MOST })).items.map(({ name }) => name),
  workers: async client => (await client.workers()).items.map(({ name }) => name),
  groups: async client => (await client.groups.list({ limit: MOST })).items.map(({ id }) => id),
};

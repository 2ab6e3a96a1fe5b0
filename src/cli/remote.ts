import type { Command } from 'commander';

import type { Client } from '../client/client.js';
import { UsageError } from './exit-codes.js';
import { createOutput, type Output } from './output.js';

export interface RemoteOptions {
  json?: boolean;
  url?: string;
  profile?: string;
}

/** What a command that talks to the API works with. */
export interface Remote {
  client: Client;
  out: Output;
}

/** Every such command has these options. */
export function remoteOptions(command: Command): Command {
  return addressOptions(command.option('--json', 'one line of JSON, also on a terminal'));
}

/** Where the API is. */
export function addressOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where the API is (INTERLOCK_URL, http://127.0.0.1:8787)')
    .option('--profile <name>', 'the deployment that was noted under this name (INTERLOCK_PROFILE)');
}

/** What is left for the request: everything but where and how to show. */
export function requestOptions<T extends RemoteOptions>(options: T): Omit<T, keyof RemoteOptions> {
  const rest: T = { ...options };
  delete rest.json;
  delete rest.url;
  delete rest.profile;
  return rest;
}

/** Settings files are not read: a client needs only the address and a token, wherever it is called. */
export async function connect(options: RemoteOptions): Promise<Remote> {
  const [{ createClient }, { addressOf, clientOptions }] = await Promise.all([
    import('../client/client.js'),
    import('./address.js'),
  ]);
  const given = clientOptions(addressOf(options));
  try {
    return { client: createClient(given), out: createOutput(options) };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

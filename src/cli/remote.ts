import type { Command } from 'commander';

import type { Client } from '../client/client.js';
import { UsageError } from './exit-codes.js';
import { createOutput, type Output } from './output.js';

export interface RemoteOptions {
  json?: boolean;
  url?: string;
}

/** What a command that talks to the API works with. */
export interface Remote {
  client: Client;
  out: Output;
}

/** Every such command has these options. */
export function remoteOptions(command: Command): Command {
  return command
    .option('--json', 'one line of JSON, also on a terminal')
    .option('--url <url>', 'where the API is (INTERLOCK_URL, http://127.0.0.1:8787)');
}

/** What is left for the request: everything but where and how to show. */
export function requestOptions<T extends RemoteOptions>(options: T): Omit<T, 'json' | 'url'> {
  const rest: T = { ...options };
  delete rest.json;
  delete rest.url;
  return rest;
}

/** Settings files are not read: a client needs only the address and a token, wherever it is called. */
export async function connect(options: RemoteOptions): Promise<Remote> {
  const { createClient } = await import('../client/client.js');
  const url = options.url ?? variable('INTERLOCK_URL');
  const token = variable('INTERLOCK_TOKEN');
  try {
    const client = createClient({ ...(url !== undefined && { url }), ...(token !== undefined && { token }) });
    return { client, out: createOutput(options) };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

function variable(name: string): string | undefined {
  const value = process.env[name];
  if (value === '') throw new UsageError(`The variable ${name} is set but empty.`);
  return value;
}

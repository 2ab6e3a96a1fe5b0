import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from '../../../src/servers/processes/identity.js';

const SCRIPT = fileURLToPath(new URL('owner.ts', import.meta.url));

export interface Owner {
  process: ChildProcess;
  folder: string;
  server: ProcessIdentity;
  guardian: ProcessIdentity;
}

/** Starts a command that owns a server in a run folder below `base`. */
export async function startOwner(base: string, graceMs = 0, script?: string): Promise<Owner> {
  const args = ['--import', 'tsx', SCRIPT, base, String(graceMs), ...(script === undefined ? [] : [script])];
  const owner = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: owner.stdout })) {
    return { process: owner, ...(JSON.parse(line) as Omit<Owner, 'process'>) };
  }
  throw new Error('The owner ended without a word');
}

#!/usr/bin/env node
import { CommanderError } from 'commander';

import { failureOf } from './exit-codes.js';
import { buildProgram } from './program.js';

// A reader that has seen enough (`| head`) is no error. Nothing can be said on standard error once it is closed.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.stderr.on('error', () => undefined);

try {
  await buildProgram().parseAsync();
} catch (error) {
  // At once: a role that failed while it started may hold connections that would keep it alive.
  process.exit(error instanceof CommanderError ? usage(error) : failed(error));
}

/** Commander has printed what is wrong, with the nearest command or option. Help that was asked for is no error. */
function usage(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

function failed(error: unknown): number {
  const { code, lines } = failureOf(error);
  for (const line of lines) process.stderr.write(`${line}\n`);
  return code;
}

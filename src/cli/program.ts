import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import { auditCommand } from './commands/audit.js';
import { configCommands } from './commands/config.js';
import { roleCommands } from './commands/roles.js';
import { scheduleCommands } from './commands/schedule.js';
import { taskCommands } from './commands/task.js';
import { viewCommands } from './commands/views.js';

/**
 * `interlock <noun> <verb>`. Everything but commander is imported by the action that needs it, so that `--help` and a typing
 * error answer at once.
 */
export function buildProgram(): Command {
  const program = new Command('interlock')
    .description('A tasking service for operations that must not collide.')
    .version(packageVersion())
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride();
  roleCommands(program);
  taskCommands(program);
  scheduleCommands(program);
  viewCommands(program);
  auditCommand(program);
  configCommands(program);
  return program;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

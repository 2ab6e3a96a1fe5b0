import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import { auditCommand } from './commands/audit.js';
import { backupCommands } from './commands/backup.js';
import { configCommands } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { eventCommand } from './commands/events.js';
import { maintenanceCommands } from './commands/maintenance.js';
import { groupCommands } from './commands/group.js';
import { initCommand } from './commands/init.js';
import { completionCommand } from './commands/completion.js';
import { profileCommands } from './commands/profile.js';
import { queueCommands } from './commands/queue.js';
import { roleCommands } from './commands/roles.js';
import { scheduleCommands } from './commands/schedule.js';
import { systemdCommands } from './commands/systemd.js';
import { taskCommands } from './commands/task.js';
import { tokenCommands } from './commands/token.js';
import { viewCommands } from './commands/views.js';
import { workerCommands } from './commands/workers.js';
import { addExamples } from './examples.js';

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
  groupCommands(program);
  queueCommands(program);
  viewCommands(program);
  eventCommand(program);
  workerCommands(program);
  maintenanceCommands(program);
  tokenCommands(program);
  doctorCommand(program);
  auditCommand(program);
  backupCommands(program);
  configCommands(program);
  systemdCommands(program);
  profileCommands(program);
  initCommand(program);
  completionCommand(program);
  addExamples(program);
  return program;
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

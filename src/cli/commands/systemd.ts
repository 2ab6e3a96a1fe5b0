import { Argument, type Command } from 'commander';

import { createOutput } from '../output.js';

interface Units {
  command?: string;
  user?: string;
}

/** `interlock manage-workers` and `interlock systemd …`: the services of a machine. */
export function systemdCommands(program: Command): void {
  program
    .command('manage-workers')
    .description('start or stop the workers of this machine (interlock-worker@1 to N); interlock-workers.service runs this')
    .addArgument(new Argument('<verb>', 'start also fits the number to INTERLOCK_WORKERS').choices(['start', 'stop']))
    .action(async (verb: 'start' | 'stop') => {
      const { manageWorkers } = await import('../../main/systemd/manage-workers.js');
      process.exitCode = await manageWorkers(verb);
    });

  const systemd = program.command('systemd').description('the units of systemd');
  withUnits(systemd.command('print [unit]').description('what would be installed'))
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (unit: string | undefined, { json, ...units }: Units & { json?: boolean }) => {
      const { unitFiles } = await import('../../main/systemd/units.js');
      const files = [...unitFiles(units)].filter(([name]) => unit === undefined || name === unit || name === `${unit}.service`);
      if (files.length === 0) {
        const { UsageError } = await import('../exit-codes.js');
        throw new UsageError(`there is no unit "${unit ?? ''}"; there are: ${[...unitFiles().keys()].join(', ')}`);
      }
      createOutput({ json: json ?? false }).data(Object.fromEntries(files), () =>
        files
          .map(([name, text]) => (unit === undefined ? `# --- ${name}\n${text}` : text))
          .join('\n')
          .trimEnd(),
      );
    });
  withUnits(
    systemd.command('install').description('put the units where systemd finds them (as root); what is the same is left alone'),
  )
    .option('--directory <folder>', 'where units are', '/etc/systemd/system')
    .option('--settings <folder>', 'where settings are', '/etc/interlock')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async ({ json, ...options }: Units & { directory: string; settings: string; json?: boolean }) => {
      const { installUnits } = await import('../../main/systemd/units.js');
      const installed = await installUnits(options).catch(refused);
      createOutput({ json }).data(installed, () =>
        [
          ...installed.written.map(path => `wrote ${path}`),
          `${installed.unchanged} files were as they should be`,
          `Next: name the servers in ${installed.environmentFile}, then \`systemctl enable --now interlock.target interlock-httpd interlock-resource-manager interlock-beat interlock-workers\``,
        ].join('\n'),
      );
    });
}

/** What the system refuses is told in its own words, without a stack. */
async function refused(error: unknown): Promise<never> {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
  const { InterlockError } = await import('../../core/errors.js');
  const asRoot = code === 'EACCES' || code === 'EPERM' ? ' Run it as root.' : '';
  throw new InterlockError('FORBIDDEN', `The units cannot be installed: ${message}.${asRoot}`);
}

function withUnits(command: Command): Command {
  return command
    .option('--command <words>', 'how units call the command line, as /opt/interlock/bin/interlock')
    .option('--user <name>', 'whose processes the roles are; interlock unless given, who is made where missing');
}

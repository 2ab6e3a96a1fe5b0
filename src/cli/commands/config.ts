import type { Command } from 'commander';

import { createOutput, table } from '../output.js';

/** `interlock config …`: what this folder and environment amount to, without connecting to anything. */
export function configCommands(program: Command): void {
  const commands = program.command('config').description('the settings in force');
  commands
    .command('show')
    .description('every option, secrets hidden')
    .option('--sources', 'also where each value came from')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (options: { sources?: boolean; json?: boolean }) => {
      const { loadConfig } = await import('../../config/load.js');
      const { showConfig } = await import('../../config/show.js');
      const rows = showConfig(loadConfig());
      const out = createOutput(options);
      const data = rows.map(({ key, value, source, env }) => [key, options.sources ? { value, source, env } : value]);
      out.data(Object.fromEntries(data), () =>
        table(
          options.sources ? ['OPTION', 'VALUE', 'SOURCE'] : ['OPTION', 'VALUE'],
          rows.map(({ key, value, source }) => [key, shown(value), ...(options.sources ? [source] : [])]),
          '',
        ),
      );
    });
  commands
    .command('check')
    .description('only say whether they are sound (exit code 78 if not)')
    .action(async () => {
      const { loadConfig } = await import('../../config/load.js');
      const { ConfigError } = await import('../../config/config-error.js');
      const { tlsProblems } = await import('../../main/tls.js');
      const { warnings, config } = loadConfig();
      const problems = tlsProblems(config);
      if (problems.length > 0) throw new ConfigError(problems);
      const out = createOutput({});
      for (const warning of warnings) out.note(warning);
      out.data({ ok: true, warnings }, () => 'The configuration is sound.');
    });
}

function shown(value: unknown): string {
  if (value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

import type { Command } from 'commander';

import type { Initialised } from '../../main/init.js';
import { createOutput } from '../output.js';

/** `interlock init`: something to begin with. */
export function initCommand(program: Command): void {
  program
    .command('init [folder]')
    .description('write a first tasks.ts and the settings that name it; what is there already is left as it is')
    .option('--json', 'one line of JSON, also on a terminal')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const { initialise } = await import('../../main/init.js');
      const { InterlockError } = await import('../../core/errors.js');
      try {
        const done = initialise(folder ?? '.');
        createOutput(options).data(done, () => told(done, folder));
      } catch (error) {
        // What the file system refuses is told in its own words, without a stack.
        const { code, message } = error as NodeJS.ErrnoException;
        if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
        throw new InterlockError('FORBIDDEN', `The files cannot be written: ${message}.`);
      }
    });
}

function told({ written, kept }: Initialised, folder: string | undefined): string {
  const lines = [...written.map(path => `wrote ${path}`), ...kept.map(path => `kept  ${path}, which was there`)];
  if (kept.includes('config/default.json')) lines.push('See that it names the tasks: "taskModules": ["./tasks.ts"]');
  const enter = folder === undefined ? '' : `cd ${folder} && `;
  return [
    ...lines,
    '',
    `Next:  ${enter}npx interlock dev`,
    `then:  npx interlock task run example.sync --kwargs '{"repository": "centos"}' --wait`,
  ].join('\n');
}

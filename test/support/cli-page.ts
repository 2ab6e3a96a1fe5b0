import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { buildProgram } from '../../src/cli/program.js';

export const CLI_PAGE = new URL('../../docs/cli.md', import.meta.url);

const INTRODUCTION = `# The command line

\`interlock <noun> <verb>\`; from a checkout \`scripts/interlock\`, in a folder with the package \`npx interlock\`. A table or a sentence on a terminal, JSON when
piped or with \`--json\` (one line, the last of standard output); everything else goes to standard error. \`interlock <noun>\` shows its verbs.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | an error, or what was looked at is not well (\`status\`, \`doctor\`, \`audit\`) |
| 2 | the command line makes no sense |
| 3 | the task that was waited for failed |
| 4 | it was canceled or skipped |
| 5 | it had not ended in time |
| 6 | the API, or the database, does not answer |
| 78 | the configuration cannot be |
| 130 | Ctrl-C ended a wait; the task goes on |

Commands that talk to the API find it by \`--url\`, else \`--profile\` or \`INTERLOCK_PROFILE\`, else \`INTERLOCK_URL\`, else the profile in use, else
\`http://127.0.0.1:8787\`. Profiles stand in \`$XDG_CONFIG_HOME/interlock/profiles.json\` (\`~/.config\`), mode 600: a file that others can read is refused. A
token of a profile goes to the address of that profile alone; \`INTERLOCK_TOKEN\` to every other one. Roles, \`doctor\`, \`audit\`, \`backup\` and
\`manage-db\` talk to the servers themselves and read the [settings](configuration.md).

\`--watch\` looks again until Ctrl-C: redrawn on a terminal, a line of JSON each in a pipe. \`task wait\` and \`task run --wait\` draw the progress of the task
on a terminal; Ctrl-C there asks whether to leave the task alone or to cancel it, a second one leaves it alone. What cannot be undone asks first, and is
refused where nobody can answer, unless \`--yes\` is given. Completion: \`source <(interlock completion bash)\`, likewise zsh and fish.

This page is made from the program by \`node --import tsx test/support/cli-page.ts --write\`; a test compares them.
`;

/** The reference of all commands, as docs/cli.md holds it. */
export function cliPage(): string {
  const commands = leavesOf(buildProgram());
  return [INTRODUCTION, ...commands.map(({ path, command }) => section(path, command)), ''].join('\n');
}

/** Everything that does something, in the order of the program. */
export function leavesOf(command: Command, path = ''): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter(each => each.name() !== 'help');
  return visible.flatMap(each => leavesOf(each, `${path} ${each.name()}`.trim()));
}

/** Its help as a user reads it, with examples. */
export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: part => (text += part), writeErr: part => (text += part), getOutHelpWidth: () => 110 });
  command.outputHelp();
  return text.trimEnd();
}

function section(path: string, command: Command): string {
  return `## interlock ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write')) {
  writeFileSync(CLI_PAGE, cliPage());
}

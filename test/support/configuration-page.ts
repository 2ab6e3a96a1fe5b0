import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { allOptions, ENVIRONMENT_ONLY } from '../../src/config/schema.js';

export const CONFIGURATION_PAGE = new URL('../../docs/configuration.md', import.meta.url);

const INTRODUCTION = `# Configuration

Every option has a default. Later ones win:

1. the package's \`config/default.json\`;
2. files of your own in \`INTERLOCK_CONFIG_DIR\` (default \`./config\`): \`default.json\`, then \`<NODE_ENV>.json\`, \`<host name>.json\`,
   \`local.json\` (the conventions of node-config; \`NODE_CONFIG\` may hold JSON that comes after them);
3. the environment variable of the option;
4. a flag of the command line, where there is one.

Unknown keys, bad values and intervals that contradict one another end a process with code 78 and one line for each problem,
with the option, the file or variable that it came from, and what was expected. A variable that is set to nothing is such a problem.
\`interlock config check\` only looks; \`interlock config show --sources\` prints what is in force, passwords hidden.

An address with a password belongs in a file that only the service can read: \`INTERLOCK_MONGO_URL_FILE\` and
\`INTERLOCK_AMQP_URL_FILE\` name one (as systemd credentials and Docker secrets are). A settings file that everybody may read is
refused if it holds a password.

Intervals are milliseconds; the order that must hold between them is checked at start: a heartbeat fits three times into
\`selfFenceMs\`, which is below \`watchMs\`, which is below \`ttlMs\`; \`sweepMs\` is at most half of \`ttlMs\`; \`leaseRenewMs\` fits
twice into \`leaseTrustMs\`, which is below \`leaseMs\`. Sites whose tasks must survive longer outages of MongoDB raise \`ttlMs\`
and \`selfFenceMs\` together (90 000 and 75 000, say): the time until a dead worker is noticed grows with them.

The tables are made from [src/config/schema.ts](../src/config/schema.ts) by
\`node --import tsx test/support/configuration-page.ts --write\`; a test compares them.
`;

/** The manual page of all options, as docs/configuration.md holds it. */
export function configurationPage(): string {
  const rows = allOptions().map(
    ({ key, option }) =>
      `| \`${key}\` | \`${option.env}\` | ${shown(option.default)} | ${option.about} Expected: ${cell(option.expected)}. |`,
  );
  const environment = ENVIRONMENT_ONLY.map(({ env, default: preset, about }) => `| \`${env}\` | ${preset} | ${about} |`);
  return [
    INTRODUCTION,
    '| option | variable | default | meaning |\n|---|---|---|---|',
    ...rows,
    '\nThese are read from the environment alone:\n',
    '| variable | default | meaning |\n|---|---|---|',
    ...environment,
    '',
  ].join('\n');
}

function shown(value: unknown): string {
  if (value === null || value === '') return 'none';
  return Array.isArray(value) ? value.join(', ') || 'none' : `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write')) {
  writeFileSync(CONFIGURATION_PAGE, configurationPage());
}

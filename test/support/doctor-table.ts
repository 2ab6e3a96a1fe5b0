import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { CHECKS } from '../../src/doctor/doctor.js';

const PAGE = new URL('../../docs/doctor.md', import.meta.url);
const BEGIN = '<!-- faults -->\n';
const END = '<!-- end of faults -->\n';

/** The table of all faults, as docs/doctor.md holds it between its two marks. */
export function doctorTable(): string {
  const rows = CHECKS.map(({ name, severity, about }) => `| \`${name}\` | ${severity} | ${about.replaceAll('|', '\\|')} |`);
  return `${BEGIN}\n| fault | severity | meaning |\n|---|---|---|\n${rows.join('\n')}\n\n${END}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write')) {
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(PAGE, page.slice(0, page.indexOf(BEGIN)) + doctorTable() + page.slice(page.indexOf(END) + END.length));
}

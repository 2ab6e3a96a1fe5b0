import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { aboutText, costText, figuresTable, profileText, targetsTable, withSection } from './markdown.js';
import type { Result } from './scenario.js';
import type { Surroundings } from './surroundings.js';
import { judge } from './targets.js';

/** What `npm run bench` measured, by scenario. */
export type Results = ReadonlyMap<string, readonly Result[]>;

const PAGE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

/** One line of JSON: medians stand under the names of their figures, and `spread` has [least, most] of those that vary. */
export function asJson(scenario: string, on: Surroundings, results: Results): string {
  const flat = [...results].flatMap(([name, each]) => each.map(result => ({ scenario: name, ...flatResult(result) })));
  const targets = scenario === 'all' ? { targets: judge(on.mongo, results) } : {};
  return JSON.stringify({ scenario, ...on, results: flat, ...targets });
}

function flatResult({ figures, ...rest }: Result): Record<string, unknown> {
  const entries = Object.entries(figures);
  const medians = Object.fromEntries(entries.map(([name, { median }]) => [name, median]));
  const spread = Object.fromEntries(entries.map(([name, { min, max }]) => [name, [min, max]]));
  return { ...rest, ...medians, spread };
}

/** For a terminal; the same tables as in the page. */
export function asText(scenario: string, on: Surroundings, results: Results): string {
  const parts = [surroundingsLine(on)];
  for (const [name, each] of results) parts.push(`## ${name}`, sectionOf(each), ...profilesOf(each));
  if (scenario === 'all') parts.push(targetsTable(judge(on.mongo, results)));
  return `${parts.join('\n\n')}\n`;
}

/** Puts what was measured into docs/benchmarks.md, and leaves the rest of the page as it is: of a run that was profiled its profiles alone. */
export function writePage(scenario: string, on: Surroundings, results: Results): void {
  let page = readFileSync(PAGE, 'utf8');
  if (scenario === 'all')
    page = withSection(page, 'targets', `${surroundingsLine(on)}\n\n${targetsTable(judge(on.mongo, results))}`);
  for (const [name, each] of results) {
    const profiled = profilesOf(each);
    const [mark, head, text] =
      profiled.length > 0
        ? [`${name}-profile`, `${name}: where the time goes`, profiled.join('\n\n')]
        : [name, name, sectionOf(each)];
    page = withSection(page, mark, `### ${head}\n\n${surroundingsLine(on)}\n\n${text}`);
  }
  writeFileSync(PAGE, page);
}

function sectionOf(results: readonly Result[]): string {
  const about = results.map(aboutText).filter(text => text !== '');
  return [figuresTable(results), about.join('\n'), ...results.map(costText)].filter(text => text !== '').join('\n\n');
}

function profilesOf(results: readonly Result[]): string[] {
  return results.map(profileText).filter(text => text !== '');
}

function surroundingsLine({ date, commit, machine, mongo, versions }: Surroundings): string {
  const { node, mongodb, rabbitmq } = versions;
  return `${date}, commit ${commit}. ${machine}; MongoDB ${mongodb} (${mongo}), RabbitMQ ${rabbitmq}, Node ${node}.`;
}

import type { CallCost, Cost } from './cost.js';
import type { RoleProfile } from './profile.js';
import type { Result } from './scenario.js';
import type { Summary } from './statistics.js';
import type { Judged } from './targets.js';

/** Below this share of the time a role waits for others. */
const WORTH_SHOWING = 0.05;

/** At most four digits that count; a large number in groups of three. */
export function number(value: number): string {
  const rounded = Number(value.toPrecision(value >= 1_000 ? Math.ceil(Math.log10(value)) : 3));
  return rounded.toLocaleString('en', { maximumFractionDigits: 6 });
}

/** `tasksPerSecond` → `tasks per second`, `p50Ms` → `p50 ms`. */
export function title(figure: string): string {
  return figure
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/\bmib\b|\bmi b\b/, 'MiB');
}

export function figuresTable(results: readonly Result[]): string {
  const names = [...new Set(results.flatMap(result => Object.keys(result.figures)))];
  const rows = results.map(result => [result.case, ...names.map(name => withSpread(result.figures[name]))]);
  return table(['case', ...names.map(title)], rows);
}

export function targetsTable(judged: readonly Judged[]): string {
  const rows = judged.map(({ what, case: name, target, measured, met }) => [what, name, target, withSpread(measured), met]);
  return table(['what', 'case', 'target', 'measured', 'met'], rows);
}

function withSpread(summary: Summary | undefined): string {
  if (!summary) return '–';
  const { median, min, max } = summary;
  return min === max ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

/** What a task costs in calls, and which processes were busy. */
export function costText({ case: name, cost, cpus }: Result): string {
  if (!cost || !cpus) return '';
  const rows = cost.roles.flatMap(({ role, calls }) => calls.filter(each => !each.upkeep).map(call => costRow(role, call)));
  const busy = Object.entries(cpus)
    .sort(([, a], [, b]) => b - a)
    .map(([process, share]) => `${process} ${share.toFixed(2)}`);
  return [`${name}: ${costLine(cost)} CPUs busy: ${busy.join(', ')}.`, table(['role', 'call', 'per task', 'mean ms'], rows)].join(
    '\n\n',
  );
}

function costLine({ commandsPerTask, messagesPerTask, upkeepCommandsPerSecond }: Cost): string {
  return (
    `${number(commandsPerTask)} MongoDB commands and ${number(messagesPerTask)} AMQP messages a task, ` +
    `beside ${number(upkeepCommandsPerSecond)} commands a second of upkeep.`
  );
}

function costRow(role: string, { call, perTask, meanMs }: CallCost): string[] {
  return [role, call, number(perTask), meanMs === 0 ? '' : number(meanMs)];
}

/** What was measured, by its versions and settings; or why it was not. */
export function aboutText({ case: name, versions, settings, missing }: Result): string {
  const list = (values: Record<string, string>): string =>
    Object.entries(values)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ');
  const about = versions && settings ? [`- ${name}: ${list(versions)}; ${list(settings)}.`] : [];
  return [...about, ...(missing === undefined ? [] : [`- ${name} was not measured: ${missing.replaceAll('\n', ' ')}`])].join(
    '\n',
  );
}

/** Of the roles that had something to do. */
export function profileText({ case: name, profiles = [] }: Result): string {
  const shown = profiles.filter(({ busy }) => busy >= WORTH_SHOWING);
  return shown.map(profile => `${name}: ${oneProfile(profile)}`).join('\n\n');
}

function oneProfile({ role, profiles, busy, program, collector, top, areas }: RoleProfile): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const head = `${role}${profiles > 1 ? ` (${profiles} profiles)` : ''} busy ${percent(busy)} of the time`;
  const rows = top.map(({ where, share }) => [`\`${where}\``, percent(share)]);
  return [
    `${head}; native code ${percent(program)}, garbage collector ${percent(collector)}.`,
    `Of its busy time: ${areas.map(({ where, share }) => `${where} ${percent(share)}`).join(', ')}.`,
    table(['self time', 'of its busy time'], rows),
  ].join('\n\n');
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Puts `text` between the markers `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, which are added at the end where they are missing. */
export function withSection(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const section = `${begin}\n\n${text}\n\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + end.length);
}

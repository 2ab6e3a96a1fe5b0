import { limitKeyOf } from './canonical-resources.js';
import type { Blocker, Judged, Standing } from './line.js';

/** Why a task does not have its resources yet, in words. */
export function forResources(judged: readonly Judged[]): string {
  const [first, ...others] = judged.filter(({ blocked }) => blocked);
  if (!first) {
    const names = judged.map(({ standing }) => quoted(standing.name)).join(', ');
    return `Nothing is in its way: ${names} will be granted to it next.`;
  }
  const also = others.map(({ standing }) => nameOf(standing)).join(', ');
  return `${waitsFor(first)}.${also === '' ? '' : ` It also waits for ${also}.`}`;
}

/** Whether nothing but limits keeps it; `rated`: one of them is a rate limit. */
export function waitsForLimits(judged: readonly Judged[], rated: boolean): boolean {
  const blocked = judged.filter(each => each.blocked);
  if (rated && blocked.length === 0) return true;
  const deciding = blocked.length > 0 ? blocked : judged;
  return deciding.length > 0 && deciding.every(({ standing }) => limitKeyOf(standing.name) !== undefined);
}

function waitsFor(judged: Judged): string {
  const { standing, blockers } = judged;
  const { name, mode, units, capacity } = standing;
  if (mode !== 'counted') return `It waits for ${quoted(name)} (${mode}), which ${inTheWay(judged)}`;
  const wanted = units ?? 0;
  const there = capacity ?? 0;
  const command = `interlock resource capacity ${quoted(name)}`;
  if (there === 0)
    return `It waits for ${unitsOf(wanted)} of ${quoted(name)}, but nobody declares how many there are: ${command} UNITS`;
  if (wanted > there)
    return `It asks for ${unitsOf(wanted)} of ${quoted(name)}, but there ${there === 1 ? 'is' : 'are'} only ${there} now: it waits until there are more (${command} ${wanted}) or somebody cancels it`;
  const opposed = blockers.filter(({ claim }) => claim.mode !== 'counted');
  if (opposed.length > 0)
    return `It waits for ${unitsOf(wanted)} of ${quoted(name)}, which ${inTheWay({ ...judged, blockers: opposed })}`;
  return `It waits for ${counted(standing, blockers)}`;
}

function counted({ name, units, capacity, held, position }: Standing, blockers: readonly Blocker[]): string {
  const key = limitKeyOf(name);
  const there = capacity ?? 0;
  const what =
    key === undefined
      ? `${unitsOf(units ?? 0)} of ${quoted(name)}, of which ${held ?? 0} of ${there} are held`
      : `the limit ${quoted(key)}: ${held ?? 0} of at most ${there} at a time run, or are about to`;
  const next = blockers.find(({ task }) => !task.grant);
  const tooMuch =
    next && next.claim.units > there ? ` (task ${next.task.id} asks for ${next.claim.units}, more than there are)` : '';
  return `${what}; ${placeOf(position)}${tooMuch}`;
}

function inTheWay({ standing, blockers }: Judged): string {
  const { name, position } = standing;
  const holder = blockers.find(({ task }) => task.grant);
  if (holder) {
    const { task, claim } = holder;
    const what = claim.resource === name ? '' : ` ${quoted(claim.resource)}`;
    const where = task.run ? `on ${task.run.worker}` : 'but has not started';
    return `task ${task.id} holds${what} ${where} since ${task.grant?.at.toISOString() ?? ''}; ${placeOf(position)}`;
  }
  const next = blockers.find(({ task }) => !task.grant);
  return `is not held, but ${placeOf(position)}, the next being task ${next?.task.id ?? ''}`;
}

function placeOf(position: number | null): string {
  if ((position ?? 1) === 1) return 'it is next in line';
  return `${(position ?? 1) - 1} ${position === 2 ? 'task stands' : 'tasks stand'} in line before it`;
}

function nameOf({ name }: Standing): string {
  const key = limitKeyOf(name);
  return key === undefined ? quoted(name) : `the limit ${quoted(key)}`;
}

function unitsOf(units: number): string {
  return units === 1 ? '1 unit' : `${units} units`;
}

function quoted(name: string): string {
  return `"${name}"`;
}

import { readFileSync, existsSync } from 'node:fs';

/** One line that a task body wrote. `at`: microseconds of CLOCK_MONOTONIC, the same clock for every process of the machine. */
interface Line {
  label: string;
  attempt: number;
  edge: 'begin' | 'tick' | 'end';
  at: number;
  pid: number;
}

/** One body that ran: from its first line to its last. */
export interface Span {
  label: string;
  attempt: number;
  pid: number;
  begin: number;
  last: number;
  ended: boolean;
}

/** What was asked for, in the order in which one client after another was answered. */
export interface Asked {
  label: string;
  exclusive: string[];
  shared: string[];
}

export function readSpans(file: string): Span[] {
  const spans = new Map<string, Span>();
  if (!existsSync(file)) return [];
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    const key = `${line.label} ${line.attempt}`;
    const span = spans.get(key);
    if (!span)
      spans.set(key, {
        label: line.label,
        attempt: line.attempt,
        pid: line.pid,
        begin: line.at,
        last: line.at,
        ended: line.edge === 'end',
      });
    else if (line.edge === 'begin') throw new Error(`${key} began twice`);
    else Object.assign(span, { last: line.at, ended: line.edge === 'end' });
  }
  return [...spans.values()].sort((a, b) => a.begin - b.begin);
}

function conflict(a: Asked, b: Asked): boolean {
  return (
    a.exclusive.some(name => b.exclusive.includes(name) || b.shared.includes(name)) ||
    a.shared.some(name => b.exclusive.includes(name))
  );
}

/** Pairs of bodies that ran at the same time although they conflict. */
export function overlaps(spans: readonly Span[], asked: readonly Asked[]): string[] {
  const wish = new Map(asked.map(each => [each.label, each]));
  const found: string[] = [];
  const open: Span[] = [];
  for (const span of spans) {
    for (const other of open) {
      const [a, b] = [wish.get(span.label), wish.get(other.label)];
      if (a && b && other.last > span.begin && conflict(a, b))
        found.push(`${other.label}/${other.attempt} and ${span.label}/${span.attempt}`);
    }
    open.push(span);
    for (let i = open.length - 1; i >= 0; i--) if ((open[i]?.last ?? 0) < span.begin) open.splice(i, 1);
  }
  return found;
}

/** Pairs of conflicting tasks whose first starts were not in the order of acceptance. */
export function overtakings(spans: readonly Span[], asked: readonly Asked[]): string[] {
  const begin = new Map(spans.filter(span => span.attempt === 1).map(span => [span.label, span.begin]));
  const found: string[] = [];
  asked.forEach((later, index) => {
    const laterBegin = begin.get(later.label);
    for (const earlier of asked.slice(0, index)) {
      const earlierBegin = begin.get(earlier.label);
      if (laterBegin === undefined || earlierBegin === undefined || !conflict(earlier, later)) continue;
      if (laterBegin < earlierBegin) found.push(`${later.label} overtook ${earlier.label}`);
    }
  });
  return found;
}

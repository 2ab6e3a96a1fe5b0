import type { BodySpan } from '../../src/audit/history.js';
import type { Task } from '../../src/core/task.js';
import type { Freeze } from './journal.js';
import type { Line, SinkLine } from './sink.js';

/** What bodies left behind, as the checker takes it: milliseconds. */
export interface Traces {
  spans: BodySpan[];
  /** Refused by the sink within the tick that a thawed process is allowed: as if never written. `lateMs`: the longest after a thaw. */
  excused: { lines: number; lateMs: number };
  /** Lines of the evidence that end in the middle: a SIGKILL cuts a write where a page ends. */
  cut: number;
  /** Refused by the sink, of a body that has no such excuse: it wrote although somebody newer had written. */
  refused: Line[];
}

interface Body {
  task: string;
  attempt: number;
  pid: number;
  lines: Line[];
}

/** The watchdog looks every 100 ms; on a machine with more to do than cores, a thread may get its turn this late. Microseconds. */
const THAW_US = 2_000_000;

/**
 * Overlap is judged by the evidence file alone, with one exception, which is that of promise P2: a process that was frozen may write for one
 * tick after its thaw. Such a line does not count if the sink, which knows the fences, refused it. And where the freeze cost the start its
 * task (its record says anything but `completed`), the body was active before and after the freeze, not during it.
 */
export function readTraces(
  evidence: string,
  sink: readonly SinkLine[],
  freezes: readonly Freeze[],
  tasks: readonly Task[],
): Traces {
  const refusedKeys = new Set(sink.filter(line => !line.accepted).map(keyOf));
  const records = new Map(tasks.map(task => [task.id, task]));
  const { lines, cut } = linesOf(evidence);
  const traces: Traces = { spans: [], excused: { lines: 0, lateMs: 0 }, cut, refused: [] };
  for (const body of bodiesOf(lines)) {
    const frozen = freezes.filter(freeze => freeze.pid === body.pid);
    const counted = body.lines.filter(line => {
      if (!refusedKeys.has(keyOf(line))) return true;
      const thaw = frozen.map(freeze => line.at - freeze.until).find(us => us >= 0 && us <= THAW_US);
      if (thaw === undefined) {
        traces.refused.push(line);
        return true;
      }
      traces.excused.lines++;
      traces.excused.lateMs = Math.max(traces.excused.lateMs, Math.round(thaw / 1_000));
      return false;
    });
    const completed = records.get(body.task)?.attempts.some(each => each.n === body.attempt && each.reason === 'completed');
    const span = spanOf({ ...body, lines: counted }, completed === true ? [] : frozen);
    if (span) traces.spans.push(span);
  }
  return traces;
}

function linesOf(text: string): { lines: Line[]; cut: number } {
  const found = text.split('\n').filter(line => line !== '');
  const lines = found.filter(line => line.endsWith('}')).map(line => JSON.parse(line) as Line);
  return { lines, cut: found.length - lines.length };
}

/** One for each `begin`: that a start has only one is for the checker to say. */
function bodiesOf(lines: readonly Line[]): Body[] {
  const bodies: Body[] = [];
  const latest = new Map<string, Body>();
  for (const line of lines) {
    const { task, attempt, pid, edge } = line;
    const key = `${task} ${attempt} ${pid}`;
    const open = latest.get(key);
    if (open && edge !== 'begin') {
      open.lines.push(line);
      continue;
    }
    const body = { task, attempt, pid, lines: [line] };
    latest.set(key, body);
    bodies.push(body);
  }
  return bodies;
}

/** Undefined: none of its lines counts. */
function spanOf({ task, attempt, lines }: Body, frozen: readonly Freeze[]): BodySpan | undefined {
  const [first] = lines;
  const last = lines.at(-1);
  if (!first || !last) return undefined;
  const span = { task, attempt, begin: first.at / 1_000, last: last.at / 1_000, ended: last.edge === 'end' };
  const cuts = frozen.filter(({ from, until }) => from < last.at && until > first.at).map(freeze => freeze.from);
  if (cuts.length === 0) return span;
  const groups = new Map<number, Line[]>();
  for (const line of lines) {
    const piece = cuts.filter(cut => line.at > cut).length;
    groups.set(piece, [...(groups.get(piece) ?? []), line]);
  }
  const pieces = [...groups.values()].map(group => ({
    begin: (group[0]?.at ?? 0) / 1_000,
    last: (group.at(-1)?.at ?? 0) / 1_000,
  }));
  return { ...span, pieces };
}

function keyOf({ task, attempt, pid, edge, at }: Line): string {
  return `${task} ${attempt} ${pid} ${edge} ${at}`;
}

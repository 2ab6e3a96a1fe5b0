import { burstOf, intervalMsOf, limitText, type Limit } from '../core/rate.js';
import { spanText, timeText, type Finding } from './finding.js';
import type { AuditedTask } from './record.js';

/** The clock of a leader may go so much faster than the server's, of whose time the records are. */
const CLOCK_ERROR = 0.95;
/** Times are whole milliseconds. */
const ROUNDING_MS = 2;

interface Key {
  starts: { at: number; owner: number }[];
  burst: number;
  intervalMs: number;
  limits: Set<string>;
}

/**
 * Starts per rate key: in any time `w` at most `burst + w · rate`. The first start of each grant counts. Where the tasks of a key had several limits, the widest
 * is taken for all.
 */
export class Rates {
  readonly #keys = new Map<string, Key>();

  add(task: AuditedTask, owner: number): void {
    if (!task.rate) return;
    const key = this.#key(task.rate.key);
    note(key, task.rate);
    for (const at of firstStarts(task)) key.starts.push({ at, owner });
  }

  *findings(idOf: (owner: number) => string, clockStepMs: number): Generator<Finding> {
    for (const [name, key] of this.#keys) {
      const broken = tooMany(key, clockStepMs);
      if (!broken) continue;
      const { from, to } = broken;
      const [first, last] = [key.starts[from]?.at ?? 0, key.starts[to]?.at ?? 0];
      const ids = [...new Set(key.starts.slice(from, to + 1).map(({ owner }) => idOf(owner)))];
      const limits = [...key.limits].join(' or ');
      yield {
        rule: 'rate',
        tasks: ids,
        evidence: `${to - from + 1} starts under the rate key "${name}" (${limits}) lie within ${spanText(last - first)} from ${timeText(first)}, at most ${Math.floor(key.burst + (last - first) / key.intervalMs)} are allowed.`,
      };
    }
  }

  #key(name: string): Key {
    const key = this.#keys.get(name) ?? { starts: [], burst: 0, intervalMs: Infinity, limits: new Set() };
    this.#keys.set(name, key);
    return key;
  }
}

function note(key: Key, limit: Limit): void {
  key.burst = Math.max(key.burst, burstOf(limit));
  key.intervalMs = Math.min(key.intervalMs, intervalMsOf(limit));
  key.limits.add(limitText(limit));
}

/** One that follows a loss has the same grant, and one that was given back left its time there. */
function firstStarts({ attempts, grant, run }: AuditedTask): number[] {
  const starts = attempts.map(each => ({ grant: each.grant, at: each.startedAt }));
  if (run) starts.push({ grant, at: run.at });
  else if (grant?.begunAt) starts.push({ grant, at: grant.begunAt });
  const first = new Map<number, number>();
  for (const { grant: by, at } of starts) {
    if (!by) continue;
    const begunAt = Math.min(at.getTime(), by.begunAt?.getTime() ?? Infinity);
    first.set(by.fence, Math.min(first.get(by.fence) ?? Infinity, begunAt));
  }
  return [...first.values()];
}

/** The first stretch in which more started than a bucket of that size gives. */
function tooMany({ starts, burst, intervalMs }: Key, clockStepMs: number): { from: number; to: number } | undefined {
  starts.sort((a, b) => a.at - b.at);
  const every = intervalMs * CLOCK_ERROR;
  let fullAt = -Infinity;
  let from = 0;
  for (const [to, { at }] of starts.entries()) {
    if (fullAt <= at) {
      fullAt = at;
      from = to;
    }
    fullAt += every;
    if (fullAt - at > burst * intervalMs + ROUNDING_MS + clockStepMs) return { from, to };
  }
  return undefined;
}

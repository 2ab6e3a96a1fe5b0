/** What can be wrong, the worst first: the order in which findings are told. */
export const RULES = [
  'overlap',
  'doubled',
  'lost',
  'fence',
  'fifo',
  'rate',
  'illegal',
  'damaged',
  'cancel-ignored',
  'unfinished',
  'unexplained',
] as const;
export type Rule = (typeof RULES)[number];

export interface Finding {
  rule: Rule;
  /** Ids of the tasks that it is about, at most 10. */
  tasks: string[];
  resource?: string;
  /** One sentence with numbers, times, fences and workers. */
  evidence: string;
}

/** A database in ruins has millions: what goes on is counted, not kept. */
const KEPT_PER_RULE = 1_000;
const TASKS_NAMED = 10;

/** Collects what the rules find. */
export class Findings {
  readonly #kept = new Map<Rule, Finding[]>();
  #omitted = 0;

  /** How many there were beyond those that are kept. */
  get omitted(): number {
    return this.#omitted;
  }

  add(finding: Finding): void {
    const kept = this.#kept.get(finding.rule) ?? [];
    this.#kept.set(finding.rule, kept);
    if (kept.length < KEPT_PER_RULE) kept.push({ ...finding, tasks: finding.tasks.slice(0, TASKS_NAMED) });
    else this.#omitted++;
  }

  /** By rule, then in the order of tasks and words, so that the same history always tells the same. */
  list(): Finding[] {
    return RULES.flatMap(rule => (this.#kept.get(rule) ?? []).sort(byTasksThenWords));
  }
}

function byTasksThenWords(a: Finding, b: Finding): number {
  const [left, right] = [a, b].map(each => `${each.tasks.join(' ')} ${each.resource ?? ''} ${each.evidence}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}

/** A server time in a sentence. */
export function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'a time that is none';
}

/** How long, in a sentence: `340 ms`, `12.5 s`, `3 min`. */
export function spanText(ms: number): string {
  if (ms < 2_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

import type { Result } from './scenario.js';

export type Bound = { atLeast: number } | { atMost: number } | 'report';
export type MongoKind = 'native' | 'emulated';

/** One of the project's targets, as docs/benchmarks.md lists them. */
export interface Target {
  what: string;
  /** `peers` is measured in its own run, beside `plain`. */
  scenario: string;
  case: string | RegExp;
  figure: string;
  emulated: Bound;
  native: Bound;
}

/** A target beside what was measured; `measured` is undefined when it was not. */
export interface Judged {
  what: string;
  case: string;
  target: string;
  measured: { median: number; min: number; max: number } | undefined;
  met: 'yes' | 'no' | 'report' | 'not measured';
}

const same = (bound: Bound): { emulated: Bound; native: Bound } => ({ emulated: bound, native: bound });

function boundTarget(workers: number, emulated: number, native: number): Target {
  return {
    what: '`seed`: throughput / strict-FIFO bound',
    scenario: 'seed',
    case: workers === 1 ? '1 worker' : `${workers} workers`,
    figure: 'boundRatio',
    emulated: { atLeast: emulated },
    native: { atLeast: native },
  };
}

function peerTarget(peer: string, emulated: Bound, native: Bound): Target {
  return { what: `\`plain\` / ${peer}`, scenario: 'peers', case: peer, figure: 'plainRatio', emulated, native };
}

export const TARGETS: readonly Target[] = [
  boundTarget(1, 0.95, 0.97),
  boundTarget(2, 0.95, 0.97),
  boundTarget(4, 0.95, 0.97),
  boundTarget(8, 0.92, 0.95),
  boundTarget(16, 0.85, 0.92),
  boundTarget(32, 0.85, 0.92),
  boundTarget(64, 0.85, 0.92),
  {
    what: '`seed`: mean enqueue at 64 workers / at 1',
    ...{ scenario: 'seed', case: '64 workers', figure: 'enqueueToOneWorkerRatio' },
    ...same({ atMost: 1.2 }),
  },
  {
    what: '`seed`: mean runnable-to-started, ms',
    ...{ scenario: 'seed', case: /workers?$/, figure: 'startDelayMeanMs' },
    ...{ emulated: { atMost: 100 }, native: { atMost: 25 } },
  },
  peerTarget('Celery', { atLeast: 1.5 }, { atLeast: 3 }),
  peerTarget('Agenda', { atLeast: 8 }, { atLeast: 10 }),
  peerTarget('BullMQ', 'report', { atLeast: 0.5 }),
  {
    what: '`grants`, two resources each, per second',
    ...{ scenario: 'grants', case: /./, figure: 'grantsPerSecond' },
    ...{ emulated: { atLeast: 800 }, native: { atLeast: 3_000 } },
  },
  {
    what: '`backlog`: cost per grant at 100,000 waiting / at 1,000',
    ...{ scenario: 'backlog', case: '100000 waiting', figure: 'costToSmallestRatio' },
    ...same({ atMost: 1.3 }),
  },
  {
    what: '`enqueue`: HTTP batch of 1,000 / bare `insertMany`',
    ...{ scenario: 'enqueue', case: 'batches of 1000', figure: 'insertManyRatio' },
    ...same({ atLeast: 0.5 }),
  },
  {
    what: '`plain` (may run again, async pool): MongoDB commands per task',
    ...{ scenario: 'plain', case: /^async/, figure: 'commandsPerTask' },
    ...same({ atMost: 0.1 }),
  },
  {
    what: '`latency`: idle enqueue-to-start p50 / (majority write + broker round trip)',
    ...{ scenario: 'latency', case: 'plain', figure: 'floorRatio' },
    ...same({ atMost: 3 }),
  },
  memoryTarget('API with 100,000 waiting, MiB', 'api', 'waitingMiB', 250),
  memoryTarget('resource manager with 100,000 waiting, MiB', 'resource-manager', 'waitingMiB', 250),
  memoryTarget('worker supervisor under load, MiB', 'worker', 'loadedMiB', 120),
  memoryTarget('growth from task 50,000 to 200,000, MiB', /./, 'growthMiB', 5),
];

function memoryTarget(what: string, role: string | RegExp, figure: string, atMost: number): Target {
  return { what: `\`memory\`: ${what}`, scenario: 'memory', case: role, figure, ...same({ atMost }) };
}

/** Every target beside every case that it is about. */
export function judge(kind: MongoKind, results: ReadonlyMap<string, readonly Result[]>): Judged[] {
  return TARGETS.flatMap(target => {
    const bound = target[kind];
    const cases = (results.get(target.scenario) ?? []).filter(result => matches(target.case, result.case));
    if (cases.length === 0) return [{ ...plain(target, bound), measured: undefined, met: 'not measured' as const }];
    return cases.map(result => {
      const measured = result.figures[target.figure];
      const met = measured ? verdict(bound, measured.median) : 'not measured';
      return { ...plain(target, bound), case: result.case, measured, met };
    });
  });
}

function plain({ what, case: wanted }: Target, bound: Bound): { what: string; case: string; target: string } {
  return { what, case: typeof wanted === 'string' ? wanted : '', target: textOf(bound) };
}

function matches(wanted: string | RegExp, name: string): boolean {
  return typeof wanted === 'string' ? wanted === name : wanted.test(name);
}

function verdict(bound: Bound, value: number): Judged['met'] {
  if (bound === 'report') return 'report';
  const good = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
  return good ? 'yes' : 'no';
}

function textOf(bound: Bound): string {
  if (bound === 'report') return 'report';
  return 'atLeast' in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}

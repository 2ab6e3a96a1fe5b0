import type { SeededRandom } from '../support/random.js';
import { AT_ONCE, GPUS, QUEUES, RESOURCES, TREES } from './cast.js';

/**
 * How a body behaves: `stubborn` does not hear that it is cancelled, `busy` hears nothing at all, `exit` takes its process along, `flaky` fails in its
 * first start. `endless` and `stuck` never end by themselves: the first hears its soft limit, the second is killed.
 */
export type Manner = 'gentle' | 'stubborn' | 'busy' | 'exit' | 'fail' | 'flaky' | 'endless' | 'stuck';

/** In seconds. */
export type Limits = Partial<Record<'softTimeLimit' | 'timeLimit' | 'stallAfter', number>>;

/** A child whose parent waits for it, if it may: some of them reserve what their parent holds, and not under its reservation. */
export interface CallWish {
  ms: number;
  exclusive: string[];
  under: boolean;
  calls: CallWish[];
}

export interface TaskWish {
  /** Names the task in every record; unique in the plan. */
  label: string;
  type: 'chaos.task' | 'chaos.again';
  ms: number;
  manner: Manner;
  exclusive: string[];
  shared: string[];
  gpus?: number;
  limit?: { key: string; max: number };
  queue: string;
  priority?: number;
  countdownMs?: number;
  expiresMs?: number;
  /** Failures are tried again, up to three starts. */
  retry?: { delayMs: number; hold: boolean };
  limits?: Limits;
  /** Starts at its turn, and gives its grant back when it fails. */
  rate?: { limit: string; key: string };
  /** What it calls when its time is over. */
  calls?: CallWish[];
}

/** `keyed`: sent with an idempotency key, and again until the answer is clear. */
export type Wish = { at: number } & (
  { kind: 'submit'; task: TaskWish; keyed: boolean } | { kind: 'batch'; tasks: TaskWish[] } | { kind: 'cancel'; label: string }
);

/** Enough for 1,000 accepted tasks in five minutes, of which a third may be spent without a database. */
const TASKS_PER_SECOND = 5.5;
/** Those that a fault is likely to hit while they run. */
const LONG_PART = 0.02;
/** How many resources, and how often. With more of the large ones the lines would be all that a run waits for. */
const HELD: readonly (readonly [number, number])[] = [
  [1, 60],
  [2, 25],
  [3, 15],
];
const BATCH_PART = 0.25;
const KEYED_PART = 0.6;
const CANCEL_PART = 0.12;

export function planLoad(random: SeededRandom, lengthMs: number): Wish[] {
  const wishes: Wish[] = [];
  const total = Math.round((lengthMs / 1_000) * TASKS_PER_SECOND);
  for (let count = 0; count < total;) {
    const at = random.below(lengthMs);
    if (chance(random, BATCH_PART / 5)) {
      const tasks = Array.from({ length: 2 + random.below(7) }, () => taskWish(random, `t${count++}`));
      wishes.push({ at, kind: 'batch', tasks });
      continue;
    }
    const task = taskWish(random, `t${count++}`);
    wishes.push({ at, kind: 'submit', task, keyed: chance(random, KEYED_PART) });
    if (chance(random, CANCEL_PART)) wishes.push({ at: at + random.below(1_500), kind: 'cancel', label: task.label });
  }
  return wishes.toSorted((a, b) => a.at - b.at);
}

/** A rare turn stands at the head of its lines for five seconds, and a run ends when the last one has come: few of them show as much as many. */
const RATES: readonly (readonly [NonNullable<TaskWish['rate']>, number])[] = [
  [{ limit: '2/s', key: 'slow' }, 48],
  [{ limit: '5/s', key: 'fast' }, 49],
  [{ limit: '1/5s', key: 'rare' }, 3],
];

export function taskWish(random: SeededRandom, label: string): TaskWish {
  const long = chance(random, LONG_PART);
  const rate = chance(random, 0.08) ? draw(random, RATES) : undefined;
  const names = long || chance(random, 0.6) ? random.sample(RESOURCES, long ? 1 : draw(random, HELD)) : [];
  const held = names.length > 0 ? inTrees(random, names) : [];
  const shared = held.filter(() => chance(random, 0.35));
  const manner = draw<Manner>(random, [
    ['gentle', 79],
    ['stubborn', 5],
    ['busy', 3],
    ['exit', 2],
    ['fail', 2],
    ['flaky', 5],
    ['endless', 2],
    ['stuck', 2],
  ]);
  return {
    label,
    type: chance(random, 0.4) ? 'chaos.again' : 'chaos.task',
    ms: lasting(random, manner, long),
    manner,
    exclusive: held.filter(name => !shared.includes(name)),
    shared,
    queue: chance(random, 0.8) ? 'default' : (QUEUES.at(-1) ?? 'default'),
    ...(chance(random, 0.1) && { priority: random.below(10) }),
    ...(chance(random, 0.06) && { countdownMs: 500 + random.below(12_000) }),
    ...(chance(random, 0.03) && { expiresMs: 1_000 + random.below(20_000) }),
    ...(FAILING.includes(manner) &&
      chance(random, 0.8) && { retry: { delayMs: random.below(3_000), hold: chance(random, 0.5) && !rate } }),
    ...(ENDLESS.includes(manner) && { limits: limitsOf(random, manner) }),
    ...(rate && { rate }),
    ...(chance(random, 0.07) && { gpus: 1 + random.below(GPUS) }),
    ...(chance(random, 0.07) && { limit: { key: 'chaos', max: AT_ONCE } }),
  };
}

/** Now and then a whole tree, or something beneath a name; never two that cover one another: what is left out of the record must not be in the traces. */
function inTrees(random: SeededRandom, names: string[]): string[] {
  if (chance(random, 0.06)) return [`${random.sample(TREES, 1).join('')}/**`];
  return names.map(name => (chance(random, 0.1) ? `${name}/${random.sample(['x', 'y', '**'], 1).join('')}` : name));
}

/** A body that hears nothing runs through its soft limit into the hard one, or reports nothing for too long. */
function limitsOf(random: SeededRandom, manner: Manner): Limits {
  const seconds = (500 + random.below(1_500)) / 1_000;
  if (manner === 'endless') return { softTimeLimit: seconds, timeLimit: 60 };
  if (chance(random, 0.3)) return { stallAfter: seconds };
  return { timeLimit: seconds, ...(chance(random, 0.3) && { softTimeLimit: seconds / 2 }) };
}

export const ENDLESS: readonly string[] = ['endless', 'stuck'];
const FAILING: readonly Manner[] = ['exit', 'fail', 'flaky', 'endless', 'stuck'];

/** Many short ones, and a few up to 2 s; a busy loop takes a core from everybody. */
function lasting(random: SeededRandom, manner: Manner, long: boolean): number {
  if (manner === 'busy') return random.below(300);
  if (ENDLESS.includes(manner)) return 120_000;
  return long ? 3_000 + random.below(9_000) : Math.round((random.below(1_000) / 1_000) ** 3 * 2_000);
}

function chance(random: SeededRandom, part: number): boolean {
  return random.below(10_000) < part * 10_000;
}

function draw<T>(random: SeededRandom, weights: readonly (readonly [T, number])[]): T {
  let left = random.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [value, weight] of weights) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error('Weights must add up.');
}

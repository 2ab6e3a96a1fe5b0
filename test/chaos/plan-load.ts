import type { SeededRandom } from '../support/random.js';
import { QUEUES, RESOURCES } from './cast.js';

/**
 * How a body behaves: `stubborn` does not hear that it is cancelled, `busy` hears nothing at all, `exit` takes its process along, `flaky` fails in its
 * first start, `stuck` never ends by itself.
 */
export type Manner = 'gentle' | 'stubborn' | 'busy' | 'exit' | 'fail' | 'flaky' | 'stuck';

export interface TaskWish {
  /** Names the task in every record; unique in the plan. */
  label: string;
  type: 'chaos.task' | 'chaos.again';
  ms: number;
  manner: Manner;
  exclusive: string[];
  shared: string[];
  queue: string;
  priority?: number;
  countdownMs?: number;
  expiresMs?: number;
  /** Failures are tried again, up to three starts. */
  retry?: { delayMs: number; hold: boolean };
  limitMs?: number;
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

export function taskWish(random: SeededRandom, label: string): TaskWish {
  const long = chance(random, LONG_PART);
  const held = long || chance(random, 0.6) ? random.sample(RESOURCES, long ? 1 : draw(random, HELD)) : [];
  const shared = held.filter(() => chance(random, 0.35));
  const manner = draw<Manner>(random, [
    ['gentle', 81],
    ['stubborn', 5],
    ['busy', 3],
    ['exit', 2],
    ['fail', 2],
    ['flaky', 5],
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
      chance(random, 0.8) && { retry: { delayMs: random.below(3_000), hold: chance(random, 0.5) } }),
    ...(manner === 'stuck' && { limitMs: 500 + random.below(1_500) }),
  };
}

const FAILING: readonly Manner[] = ['exit', 'fail', 'flaky', 'stuck'];

/** Many short ones, and a few up to 2 s; a busy loop takes a core from everybody. */
function lasting(random: SeededRandom, manner: Manner, long: boolean): number {
  if (manner === 'busy') return random.below(300);
  if (manner === 'stuck') return 120_000;
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

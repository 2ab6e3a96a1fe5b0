import { mean } from '../statistics.js';

/** What a run under too much load has shown, as far as it is judged. */
export interface Evidence {
  seconds: number;
  offeredPerSecond: number;
  capacityPerSecond: number;
  accepted: number;
  /** Of those: how many are not there any more, and how many had not ended when all should have. */
  lost: number;
  unfinished: number;
  refused: number;
  wrong: readonly string[];
  wrongs: number;
  /** Processes that were called missing, or had to register anew. */
  missing: readonly string[];
  /** Starts that ended as `worker-lost`. */
  workerLost: number;
  longestGapMs: number;
  growthMiB: Readonly<Record<string, number>>;
  /** Infinity: never, as far as was waited. */
  recoverySeconds: number;
}

/** Two heartbeats of five seconds. */
const GAP_MS = 10_000;
const RECOVERY_SECONDS = 60;
/** What is held while more or fewer requests are under way differs by less. */
const GROWTH_MIB = 12;
/** In a shorter run a heap is still warming up, and its growth says nothing. */
const JUDGE_MEMORY_SECONDS = 300;
/** Of what was to be offered: twice the capacity. */
const OFFERED = 1.5;

/** What does not hold, a sentence each; nothing when all does. */
export function failures(found: Evidence): string[] {
  const { accepted, lost, unfinished, wrong, wrongs, missing, workerLost, longestGapMs, recoverySeconds } = found;
  const { seconds, refused, offeredPerSecond, capacityPerSecond, growthMiB } = found;
  const grown = Object.entries(growthMiB).filter(([, mib]) => !(mib <= GROWTH_MIB) && seconds >= JUDGE_MEMORY_SECONDS);
  const all: [boolean, string][] = [
    [accepted === 0, 'nothing was accepted'],
    [refused === 0, 'nothing was refused: there was no overload'],
    [
      offeredPerSecond < OFFERED * capacityPerSecond,
      `${offeredPerSecond.toFixed(1)} a second were offered to a capacity of ${capacityPerSecond.toFixed(1)}`,
    ],
    [lost > 0, `${lost} of ${accepted} accepted tasks are gone`],
    [unfinished > 0, `${unfinished} of ${accepted} accepted tasks have not ended`],
    [wrongs > 0, `${wrongs} answers were neither 202 nor 429 or 503 with Retry-After: ${wrong.join('; ')}`],
    [missing.length > 0, `processes were taken for dead: ${missing.slice(0, 5).join(', ')}`],
    [workerLost > 0, `${workerLost} starts ended as worker-lost`],
    [!(longestGapMs <= GAP_MS), `a process had no heartbeat for ${longestGapMs} ms`],
    [!(recoverySeconds <= RECOVERY_SECONDS), `a task was not as quick as before within ${RECOVERY_SECONDS} s`],
  ];
  const broken = all.filter(([holds]) => holds).map(([, what]) => what);
  return [
    ...broken,
    ...grown.map(([name, mib]) => `${name} holds ${mib.toFixed(1)} MiB more at the end than after a fifth of the load`),
  ];
}

/** Per minute by least squares, behind the first fifth; NaN of less than two samples. */
export function slopePerMinute(samples: readonly number[], everySeconds: number): number {
  const rest = samples.slice(Math.floor(samples.length / 5));
  const [x, y] = [mean(rest.map((_, index) => index)), mean(rest)];
  const over = rest.reduce((sum, value, index) => sum + (index - x) * (value - y), 0);
  const under = rest.reduce((sum, _value, index) => sum + (index - x) ** 2, 0);
  return ((over / under) * 60) / everySeconds;
}

import type { Result } from '../scenario.js';
import { percentile, summaries, type Figures } from '../statistics.js';
import type { Heard } from './clients.js';
import type { Ends } from './ends.js';
import { GIVE_UP_SECONDS } from './recovery.js';
import { failures, slopePerMinute } from './verdict.js';
import { MEMORY_SECONDS, type Seen } from './watch.js';

export interface Found {
  heard: Heard;
  seen: Seen;
  ends: Ends;
  /** What each process held more at the end, garbage collected. */
  growthMiB: Readonly<Record<string, number>>;
  /** From acceptance to end of a task on the idle system. */
  idleMs: number;
  idleAfterMs: number;
  recoverySeconds: number;
  seconds: number;
  capacityPerSecond: number;
}

/** The load as a whole, with all that does not hold, and the memory of each process. */
export function resultsOf(found: Found): Result[] {
  const { heard, seen, ends, growthMiB, recoverySeconds, seconds, capacityPerSecond } = found;
  const resident = Object.entries(seen.resident);
  const failed = failures({
    ...{
      seconds,
      capacityPerSecond,
      recoverySeconds,
      refused: heard.refusedMs.length,
      offeredPerSecond: heard.answers / seconds,
    },
    ...{ accepted: heard.accepted.length, lost: ends.lost, unfinished: ends.unfinished, workerLost: ends.workerLost },
    ...{ wrong: heard.wrong, wrongs: heard.wrongs, missing: seen.lost, longestGapMs: Math.max(...Object.values(seen.gaps)) },
    growthMiB,
  });
  const memory = resident.map(([name, samples]): Result => {
    return {
      case: name,
      runs: 1,
      figures: summaries([memoryOf(samples, growthMiB[name] ?? NaN)]),
      samples: { residentMiB: samples },
    };
  });
  return [{ case: 'load', runs: 1, figures: summaries([loadOf(found)]), samples: { open: seen.open }, failed }, ...memory];
}

function loadOf({ heard, seen, ends, idleMs, idleAfterMs, recoverySeconds, seconds, capacityPerSecond }: Found): Figures {
  return {
    capacityPerSecond,
    offeredPerSecond: heard.answers / seconds,
    acceptedPerSecond: heard.accepted.length / seconds,
    accepted: heard.accepted.length,
    lost: ends.lost + ends.unfinished,
    rateLimited: heard.refused['429'],
    overloaded: heard.refused['503'],
    acceptedP50Ms: percentile(heard.acceptedMs, 0.5),
    acceptedP99Ms: percentile(heard.acceptedMs, 0.99),
    refusedP50Ms: percentile(heard.refusedMs, 0.5),
    refusedP99Ms: percentile(heard.refusedMs, 0.99),
    endP50Ms: percentile(ends.ms, 0.5),
    endP99Ms: percentile(ends.ms, 0.99),
    idleEndBeforeP50Ms: idleMs,
    idleEndAfterP50Ms: idleAfterMs,
    recoverySeconds: Math.min(recoverySeconds, GIVE_UP_SECONDS),
    mostOpen: Math.max(...seen.open),
    longestHeartbeatGapMs: Math.max(...Object.values(seen.gaps)),
  };
}

function memoryOf(samples: readonly number[], growthMiB: number): Figures {
  return {
    leastMiB: Math.min(...samples),
    mostMiB: Math.max(...samples),
    growthMiB,
    slopeMiBPerMinute: slopePerMinute(samples, MEMORY_SECONDS),
  };
}

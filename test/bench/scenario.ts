import type { TestServers } from '../support/servers.js';
import { costOf, type Cost } from './cost.js';
import type { Meter } from './meter.js';
import type { Options } from './options.js';
import type { RoleProfile } from './profile.js';
import { summaries, type Figures, type Summary } from './statistics.js';

/** What a scenario is given. */
export interface Context {
  options: Options;
  servers: TestServers;
  /** A line for who watches. */
  say: (line: string) => void;
}

/** One thing that was measured several times, for example `4 workers`. */
export interface Result {
  case: string;
  runs: number;
  /** Median and spread of each figure over the runs. */
  figures: Record<string, Summary>;
  /** What a task costs in calls, over all runs. */
  cost?: Cost;
  /** CPUs that each process kept busy while it was measured: 1 is one core. */
  cpus?: Record<string, number>;
  profiles?: RoleProfile[];
  /** Looks at something while it was measured, in order; in the JSON only. */
  samples?: Record<string, number[]>;
  /** Of what was measured and what it stands on, and how that was set. */
  versions?: Record<string, string>;
  settings?: Record<string, string>;
  /** What does not hold, of what must: the bench fails, and shows all the same what it measured. */
  failed?: readonly string[];
  /** Why it was not measured. */
  missing?: string;
}

/** A module of test/bench/scenarios. It throws when anything that it submitted did not complete. */
export interface Scenario {
  run(context: Context): Promise<Result[]>;
}

/** One case of a scenario and how it is measured once. */
export interface Case {
  name: string;
  measure: () => Promise<Figures>;
  /** Runs while calls are counted, and how many tasks they were in all. */
  counted?: { meter: Meter; tasks: () => number };
}

/** Measures every case as often as was asked, in turns, so that a slow minute of the machine hits all of them. */
export async function repeat({ options, say }: Context, cases: readonly Case[]): Promise<Result[]> {
  const measured = cases.map((): Figures[] => []);
  for (let run = 0; run < options.runs; run += 1) {
    for (const [index, { name, measure }] of cases.entries()) {
      const figures = await measure();
      measured[index]?.push(figures);
      say(`${name}, run ${run + 1} of ${options.runs}: ${brief(figures)}`);
    }
  }
  return cases.map((each, index) => resultOf(each, measured[index] ?? []));
}

function resultOf({ name, counted }: Case, runs: Figures[]): Result {
  const result = { case: name, runs: runs.length, figures: summaries(runs) };
  if (!counted) return result;
  const { meter, tasks } = counted;
  const cpus = Object.entries(meter.used.cpu).map(([process, seconds]): [string, number] => [
    process,
    seconds / meter.used.seconds,
  ]);
  const cost = costOf(meter.used, tasks());
  return {
    ...result,
    figures: { ...result.figures, ...summaries([{ commandsPerTask: cost.commandsPerTask }]) },
    cost,
    cpus: Object.fromEntries(cpus),
    ...(meter.profiles.length > 0 && { profiles: meter.profiles }),
  };
}

/** A line of figures, for who watches. */
export function brief(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');
}

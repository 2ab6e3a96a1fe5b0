/**
 * `npm run simulate -- --seeds N [--from S] [--json]`: N runs of the protocol on simulated time; exit 1 if one of them breaks a rule.
 * `--seed S [--trace] [--shrink]` replays one of them; `--matrix` runs every failpoint instead of seeds; `--first` ends soon after the first violation.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import type { Violation } from './judge.js';
import { matrix } from './matrix.js';
import { run } from './run.js';
import { draw, type Scenario } from './scenario.js';
import { shrink } from './shrink.js';

interface Found extends Violation {
  /** The seed, or the name of a step of the matrix. */
  seed: number | string;
}

interface Tally {
  runs: number;
  steps: number;
  violations: Found[];
}

/** Seeds that one child gets at a time. */
const PORTION = 50;
/** A broken rule breaks in many seeds; the first few tell enough. */
const MAX_SHOWN = 20;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    first: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<Tally> {
  if (process.send) return serve();
  if (values.seed !== undefined) return replay(draw(whole('seed', values.seed)));
  const jobs = Array.from({ length: whole('jobs', values.jobs) }, (_, index) => index);
  if (values.matrix)
    return spread(
      jobs,
      jobs.map(job => ({ matrix: [job, jobs.length] })),
    );
  const first = whole('from', values.from);
  const end = first + whole('seeds', values.seeds);
  const portions: Portion[] = [];
  for (let from = first; from < end; from += PORTION) portions.push({ seeds: [from, Math.min(end, from + PORTION)] });
  return spread(jobs, portions);
}

type Portion = { seeds: [from: number, end: number] } | { matrix: [job: number, of: number] };

/** One process per core: a run is one long chain of small steps. */
async function spread(jobs: readonly number[], portions: Portion[]): Promise<Tally> {
  const total: Tally = { runs: 0, steps: 0, violations: [] };
  let shownAt = 0;
  const enough = (): boolean => values.first && total.violations.length > 0;
  await Promise.all(
    jobs.map(async () => {
      const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { execArgv: ['--import', 'tsx'] });
      for (let portion = portions.shift(); portion && !enough(); portion = portions.shift()) {
        const part = await ask(child, portion);
        total.runs += part.runs;
        total.steps += part.steps;
        total.violations.push(...part.violations);
        if (!values.json && total.runs - shownAt >= 1_000)
          say(`${(shownAt = total.runs)} runs, ${total.steps} steps, ${total.violations.length} violations`);
      }
      child.disconnect();
    }),
  );
  return total;
}

async function ask(child: ChildProcess, portion: Portion): Promise<Tally> {
  const settled = new AbortController();
  const { signal } = settled;
  child.send(portion);
  const answer = once(child, 'message', { signal }).then(([tally]) => tally as Tally);
  const death = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`a simulating process ended with ${String(code)}`);
  });
  try {
    return await Promise.race([answer, death]);
  } finally {
    settled.abort();
    death.catch(() => undefined); // it was only listened for
  }
}

/** A child's side: a portion in, a tally out, until its parent is done with it. */
async function serve(): Promise<Tally> {
  process.on('message', portion => {
    void carryOut(portion as Portion).then(tally => process.send?.(tally));
  });
  await once(process, 'disconnect');
  return { runs: 0, steps: 0, violations: [] };
}

async function carryOut(portion: Portion): Promise<Tally> {
  const tally: Tally = { runs: 0, steps: 0, violations: [] };
  const add = async (name: number | string, scenario: Scenario): Promise<void> => {
    const { steps, violations } = await run(scenario);
    tally.runs++;
    tally.steps += steps;
    tally.violations.push(...violations.map(violation => ({ seed: name, ...violation })));
  };
  if ('seeds' in portion) {
    for (let seed = portion.seeds[0]; seed < portion.seeds[1]; seed++) await add(seed, draw(seed));
    return tally;
  }
  const [job, of] = portion.matrix;
  let index = 0;
  for await (const { name, scenario } of matrix()) if (index++ % of === job) await add(name, scenario);
  return tally;
}

async function replay(drawn: Scenario): Promise<Tally> {
  let scenario = drawn;
  const first = await run(scenario);
  if (values.shrink && first.violations[0]) {
    scenario = await shrink(scenario, first.violations[0].rule);
    say(JSON.stringify(scenario, null, 1));
  }
  const { steps, violations } = await run(scenario, values.trace ? say : undefined);
  return { runs: 1, steps, violations: violations.map(violation => ({ seed: drawn.seed, ...violation })) };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  say(`--${name}: expected a whole number above 0, got "${text}"`);
  process.exit(2);
}

const tally = await main();
if (!process.send) {
  const { runs, steps, violations } = tally;
  if (values.json) process.stdout.write(`${JSON.stringify({ seeds: runs, steps, violations })}\n`);
  else {
    for (const { seed, rule, evidence } of violations.slice(0, MAX_SHOWN)) say(`seed ${seed}: ${rule}: ${evidence}`);
    say(
      `${runs} runs, ${steps} steps, ${violations.length} violations in ${new Set(violations.map(each => each.seed)).size} of them`,
    );
  }
  process.exitCode = violations.length > 0 ? 1 : 0;
}
